"""Requests of one session that differ in nothing but their language travel as one.

Most of what a translation costs a worker is its request, and a session's languages want the same sentence at
the same moment. Languages that are much slower than others, and those that had an error, go alone: nobody
waits for them, and an error is told of none but its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from dragoman_contracts.errors import DragomanError, Unavailable
from dragoman_contracts.translation_api import TargetResult, TranslateRequest
from dragoman_orchestration.clients.translation import TranslationClient

SPEED_CLASS_MS = 250
"""Languages whose last translation took a like time, in steps of so many ms, share a request."""

_Asker = tuple[TranslateRequest, asyncio.Future[TargetResult]]


class Gatherer:
    """Asks the translation service on behalf of one session.

    Args:
        client: the translation service.
        spawn: runs a request in the background.

    """

    def __init__(
        self, client: TranslationClient, spawn: Callable[[Coroutine[Any, Any, None]], object]
    ) -> None:
        self._client = client
        self._spawn = spawn
        self._open: dict[bytes, list[_Asker]] = {}
        self._speed: dict[str, int] = {}
        self._alone: set[str] = set()

    async def ask(self, request: TranslateRequest) -> TargetResult:
        """The result of a request for one target; as ``TranslationClient.translate``.

        Raises:
            DragomanError: see there.

        """
        (target,) = request.targets
        if target in self._alone:
            (result,) = await self._client.translate(request)
            self._note(result)
            return result
        answer: asyncio.Future[TargetResult] = asyncio.get_running_loop().create_future()
        key = msgspec.json.encode(
            (self._speed.get(target, 0), msgspec.structs.replace(request, targets=[], glossary={}))
        )
        together = self._open.get(key)
        if together is None:
            self._open[key] = [(request, answer)]
            # The others that are due now have been begun by then.
            asyncio.get_running_loop().call_soon(lambda: self._spawn(self._send(self._open.pop(key))))
        else:
            together.append((request, answer))
        return await answer

    async def _send(self, together: list[_Asker]) -> None:
        requests = [request for request, _ in together]
        whole = msgspec.structs.replace(
            requests[0],
            targets=[request.targets[0] for request in requests],
            glossary={target: terms for request in requests for target, terms in request.glossary.items()},
        )
        try:
            results = await self._client.translate(whole)
        except DragomanError as error:
            if len(together) > 1 and not isinstance(error, Unavailable):
                await self._send_singly(together)  # it is the error of one of them
                return
            # Each goes alone the next time: one whose engine hangs must not keep the others away.
            self._alone.update(whole.targets)
            for _, answer in together:
                if not answer.done():
                    answer.set_exception(error)
            return
        failed = []
        for asker, result in zip(together, results, strict=True):
            self._note(result)
            if result.error is not None and len(together) > 1:
                failed.append(asker)
            elif not asker[1].done():
                asker[1].set_result(result)
        await self._send_singly(failed)

    async def _send_singly(self, together: list[_Asker]) -> None:
        for request, _ in together:
            self._alone.add(request.targets[0])
        await asyncio.gather(*(self._send([asker]) for asker in together))

    def _note(self, result: TargetResult) -> None:
        if result.error is not None:
            self._alone.add(result.target)
            return
        self._alone.discard(result.target)
        self._speed[result.target] = int((result.queue_ms + result.inference_ms) // SPEED_CLASS_MS)
