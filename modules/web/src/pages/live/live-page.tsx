import { useState } from "react";
import { type Choices, loadChoices, saveChoices } from "./choices";
import { Setup } from "./setup";
import { Stage } from "./stage";
import { useSpeaking } from "./studio";

export type ChangeChoices = (change: Partial<Choices>) => void;

/** Before, while and after somebody speaks. */
export function LivePage() {
  const speaking = useSpeaking();
  const [choices, setChoices] = useState(loadChoices);
  const change: ChangeChoices = (some) => {
    const next = { ...choices, ...some };
    setChoices(next);
    saveChoices(next);
  };
  if (!speaking) return <Setup choices={choices} onChange={change} />;
  return <Stage key={speaking.target.sessionId} speaking={speaking} choices={choices} onChange={change} />;
}
