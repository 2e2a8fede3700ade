export function WatchPage() {
  return null;
}
