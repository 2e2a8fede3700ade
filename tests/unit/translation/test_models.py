"""CTranslate2 models: finding, fetching, reading, and what Marian and NLLB want as tokens."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
from ctranslate2.specs import TransformerSpec

from dragoman_contracts.errors import DragomanError, ModelUnavailable, TranslationFailed
from dragoman_translation.config import TranslateConfig
from dragoman_translation.engines.base import Pair
from dragoman_translation.engines.ctranslate2 import CTranslate2Engine
from dragoman_translation.engines.model_files import locate
from dragoman_translation.engines.tokenizers import MarianTokenizer, NllbTokenizer
from dragoman_translation.settings import TranslationSettings

from .engines import piece

MODELS = Path(__file__).parents[2] / "fixtures" / "models"
EN_ES = MODELS / "marian-micro-en-es"
ES = Pair("en", "es")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


async def loaded(models: str, **values) -> CTranslate2Engine:
    engine = CTranslate2Engine(TranslationSettings(models=models, **values))
    await engine.load(lambda sentence: None)
    return engine


async def refusal(models: str, **values) -> ModelUnavailable:
    with pytest.raises(ModelUnavailable) as caught:
        await loaded(models, **values)
    assert caught.value.remedy
    assert "WHISPER" not in caught.value.remedy
    return caught.value


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EN_ES, tmp_path / "damaged"))


# --- Marian -----------------------------------------------------------------------------------------------


async def test_a_model_is_loaded_for_its_pair_and_told() -> None:
    told: list[str] = []
    engine = CTranslate2Engine(TranslationSettings(models=f"en-es={EN_ES}"))
    await engine.load(told.append)
    assert told == ["reading 1 MB of marian-micro-en-es for the device cpu"]
    assert list(engine.pairs()) == [ES]
    assert engine.model_of(ES) == "marian-micro-en-es"
    assert engine.resolve("es", "en") is None


async def test_one_model_serves_the_variants_of_its_languages() -> None:
    engine = await loaded(f"en-es={EN_ES}")
    pair = engine.resolve("en-US", "es-419")
    assert pair == ES
    assert await engine.translate(pair, [piece("Good morning.")]) == ["Buenos días."]


async def test_a_batch_is_what_its_texts_are_alone_and_drafts_take_fewer_beams() -> None:
    engine = await loaded(f"en-es={EN_ES}")
    engine.tune(TranslateConfig(beam_size=4, fast_beam_size=1))
    texts = ["Good morning.", "There are eleven people in the garden.", "Why is Maria so tired?"]
    together = await engine.translate(ES, [piece(text) for text in texts])
    alone = [(await engine.translate(ES, [piece(text, fast=True)]))[0] for text in texts]
    assert (
        together
        == alone
        == ["Buenos días.", "Hay once personas en el jardín.", "¿Por qué está Maria tan cansado?"]
    )


async def test_no_unknown_token_comes_out_of_unknown_words() -> None:
    engine = await loaded(f"en-es={EN_ES}")
    for text in ("Zxqj 语 quixotic ŵ", "שלום", "a" * 100):
        (outcome,) = await engine.translate(ES, [piece(text)])
        assert isinstance(outcome, TranslationFailed | str)
        if isinstance(outcome, str):
            assert "<unk>" not in outcome
            assert "\u2047" not in outcome


async def test_no_part_of_a_text_passes_the_positions_of_the_model() -> None:
    engine = await loaded(f"en-es={EN_ES}", max_pieces=1_024)
    tokenizer = MarianTokenizer(EN_ES)
    text = "Why is Maria so tired? " * 60 + "q" * 400
    parts = engine.split(ES, text)
    assert "".join(part.text + part.after for part in parts) == text
    assert max(len(tokenizer.encode(part.text, ES)) for part in parts) <= 128
    assert len([part for part in parts if part.text]) > 60


def test_a_model_of_several_targets_is_told_which_one(damaged: Path) -> None:
    path = damaged / "shared_vocabulary.json"
    tokens = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps([*tokens, ">>spa<<", ">>por<<", ">>zho_Hans<<"]), encoding="utf-8")
    tokenizer = MarianTokenizer(damaged)
    assert tokenizer.encode("x", Pair("en", "es-MX"))[0] == ">>spa<<"
    assert tokenizer.encode("x", Pair("en", "pt"))[0] == ">>por<<"
    assert MarianTokenizer(EN_ES).encode("Good morning.", ES)[-1] == "</s>"


# --- NLLB -------------------------------------------------------------------------------------------------

CODES = [
    "eng_Latn",
    "spa_Latn",
    "deu_Latn",
    "arb_Arab",
    "acm_Arab",
    "zho_Hans",
    "zho_Hant",
    "nob_Latn",
    "pes_Arab",
]
WORDS = ["hola", "hallo"]
WIDTH = 24


@pytest.fixture(scope="module")
def nllb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of NLLB's layout that says "hola" to Spanish and "hallo" to all others, whatever it is told."""
    folder = tmp_path_factory.mktemp("nllb")
    corpus = folder / "corpus.txt"
    corpus.write_text("\n".join(["hola hallo hello there", "hello hola hallo"] * 50), encoding="utf-8")
    sentencepiece.SentencePieceTrainer.train(
        input=str(corpus),
        model_prefix=str(folder / "sentencepiece.bpe"),
        vocab_size=30,
        model_type="bpe",
        user_defined_symbols=[f"\u2581{word}" for word in WORDS],
        minloglevel=2,
    )
    pieces = sentencepiece.SentencePieceProcessor(str(folder / "sentencepiece.bpe.model"))
    tokens = [pieces.id_to_piece(number) for number in range(pieces.get_piece_size())]
    tokens = [
        "<s>",
        "<pad>",
        "</s>",
        "<unk>",
        *(token for token in tokens if not token.startswith("<")),
        *CODES,
    ]
    spec = _spec(tokens)
    for name in ("source", "target"):
        getattr(spec, f"register_{name}_vocabulary")(tokens)
    spec.config.decoder_start_token = "</s>"
    spec.validate()
    spec.save(str(folder))
    return folder


def _spec(tokens: list[str]) -> TransformerSpec:
    """One layer each of zero weights: what is decoded depends on the last token and its position only."""
    spec = TransformerSpec.from_config((1, 1), 2, pre_norm=True)
    zeros, positions = np.zeros((len(tokens), WIDTH), np.float32), np.zeros((8, WIDTH), np.float32)
    embedded, projected = zeros.copy(), zeros.copy()
    positions[1, 1], positions[2, 2] = 1, 1
    embedded[tokens.index("spa_Latn"), 3] = 1
    projected[tokens.index("\u2581hallo"), 1] = 1
    projected[tokens.index("\u2581hola"), [1, 3]] = 1
    projected[tokens.index("</s>"), 2] = 5
    for part in (spec.encoder, spec.decoder):
        part.scale_embeddings = False
        part.position_encodings.encodings = (
            positions if part is spec.decoder else np.zeros((64, WIDTH), np.float32)
        )
        _norm(part.layer_norm)
        for layer in part.layer:
            _attention(layer.self_attention, [3 * WIDTH, WIDTH])
            _linear(layer.ffn.linear_0, WIDTH)
            _linear(layer.ffn.linear_1, WIDTH)
            _norm(layer.ffn.layer_norm)
            if part is spec.decoder:
                _attention(layer.attention, [WIDTH, 2 * WIDTH, WIDTH])
    spec.encoder.embeddings[0].weight = zeros
    spec.decoder.embeddings.weight = embedded
    spec.decoder.projection.weight = projected
    return spec


def _attention(attention, widths: list[int]) -> None:
    _norm(attention.layer_norm)
    for linear, width in zip(attention.linear, widths, strict=True):
        _linear(linear, width)


def _linear(linear, width: int) -> None:
    linear.weight = np.zeros((width, WIDTH), np.float32)
    linear.bias = np.zeros(width, np.float32)


def _norm(norm) -> None:
    norm.gamma, norm.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)


async def test_an_nllb_model_is_given_its_languages_and_their_codes_are_no_text(nllb: Path) -> None:
    engine = await loaded(f"*={nllb}")
    assert await engine.translate(Pair("en", "es"), [piece("hello")]) == ["hola"]
    assert await engine.translate(Pair("en", "de"), [piece("hello"), piece("hello there")]) == ["hallo"] * 2


async def test_the_pairs_of_an_nllb_model_are_those_of_its_codes(nllb: Path) -> None:
    engine = await loaded(f"*={nllb}")
    assert engine.resolve("en-US", "es-MX") == ES
    assert engine.resolve("en", "zh-Hant-TW") == Pair("en", "zh-Hant")
    assert engine.resolve("en", "ja") is None
    assert Pair("en", "en") not in engine.pairs()


@pytest.mark.parametrize(
    ("code", "flores"),
    [
        ("ar", "arb_Arab"),
        ("acm", "acm_Arab"),
        ("zh", "zho_Hans"),
        ("zh-Hant", "zho_Hant"),
        ("no", "nob_Latn"),
        ("nb", "nob_Latn"),
        ("fa", "pes_Arab"),
        ("en", "eng_Latn"),
    ],
)
def test_flores_codes_are_found_by_standard_ones(nllb: Path, code: str, flores: str) -> None:
    tokenizer = NllbTokenizer(nllb)
    known = CTranslate2Engine(TranslationSettings(models=f"*={nllb}"))
    known._pairs = [Pair(language, "de") for language in tokenizer.languages if language != "de"]
    pair = known.resolve(code, "de")
    assert pair is not None
    assert tokenizer.encode("hello", pair)[0] == flores
    assert tokenizer.encode("hello", pair)[-1] == "</s>"
    assert tokenizer.prefix(pair) == ["deu_Latn"]


async def test_a_pair_of_its_own_goes_before_the_model_of_many(nllb: Path) -> None:
    engine = await loaded(f"en-es={EN_ES},*={nllb}")
    assert await engine.translate(ES, [piece("Good morning.")]) == ["Buenos días."]
    assert engine.model_of(Pair("en", "de")) == nllb.name


# --- models that cannot be had ----------------------------------------------------------------------------


async def test_without_models_the_variable_is_named() -> None:
    error = await refusal("")
    assert "DRAGOMAN_TRANSLATION_MODELS" in error.remedy


@pytest.mark.parametrize(
    "path", ["/no/such/model", "./no-such-model", "~/no-such-model", "no/such/model", "name"]
)
async def test_a_folder_that_is_not_there(path: str) -> None:
    assert f"there is no model folder {path}" in (await refusal(f"en-es={path}")).message


@pytest.mark.parametrize("file", ["model.bin", "source.spm", "target.spm"])
async def test_a_folder_without_its_files(damaged: Path, file: str) -> None:
    (damaged / file).unlink()
    error = await refusal(f"en-es={damaged}")
    assert "is no CTranslate2 translation model" in error.message
    assert "ct2-transformers-converter" in error.remedy


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("model.bin", b""),
        ("model.bin", (EN_ES / "model.bin").read_bytes()[:600_000]),
        ("model.bin", b"<html>404 not found</html>" * 100),
        ("source.spm", b"nonsense"),
        ("shared_vocabulary.json", b"{"),
    ],
)
async def test_damaged_files(damaged: Path, file: str, content: bytes) -> None:
    (damaged / file).write_bytes(content)
    error = await refusal(f"en-es={damaged}")
    assert "cannot be read" in error.message
    assert "again" in error.remedy


async def test_a_marian_model_is_none_of_many_languages() -> None:
    error = await refusal(f"*={EN_ES}")
    assert "not one of many languages" in error.message


async def test_a_device_that_is_not_there() -> None:
    error = await refusal(f"en-es={EN_ES}", profile="gpu")
    assert error.message == "the device cuda cannot be used"
    assert "DRAGOMAN_TRANSLATION_PROFILE=cpu" in error.remedy


async def test_a_compute_type_that_the_device_has_not() -> None:
    assert "cannot compute in nonsense" in (await refusal(f"en-es={EN_ES}", compute_type="nonsense")).message


def test_no_hub_and_not_in_the_cache(tmp_path: Path, free_port: int) -> None:
    hub = {"download_dir": str(tmp_path), "hub_url": f"http://127.0.0.1:{free_port}"}
    for offline, says in ((False, "could not be fetched"), (True, "switched off")):
        with pytest.raises(DragomanError, match=says):
            locate("owner/name", TranslationSettings(offline=offline, **hub), lambda sentence: None)


class _Hub(BaseHTTPRequestHandler):
    """As much of the model hub's HTTP as a download needs."""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = self.path.split("?")[0]
        names = [*(file.name for file in EN_ES.iterdir()), "pytorch_model.bin"]
        if path.startswith("/api/models/owner/micro/tree/"):
            tree = [{"type": "file", "path": name, "size": 1, "oid": COMMIT} for name in names]
            self._send(json.dumps(tree).encode(), body=body)
            return
        if path.startswith("/api/models/owner/micro"):
            files = [{"rfilename": name} for name in names]
            info = {"id": "owner/micro", "sha": COMMIT, "siblings": files, "private": False, "tags": []}
            self._send(json.dumps(info).encode(), body=body)
            return
        file = EN_ES / path.rsplit("/", 1)[-1]
        if path.startswith("/owner/micro/resolve/") and file.is_file():
            self._send(file.read_bytes(), body=body)
            return
        self.send_response(404)
        self.send_header("x-error-code", "RepoNotFound")
        self.send_header("content-length", "0")
        self.end_headers()

    def _send(self, content: bytes, *, body: bool) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(content)))
        self.send_header("etag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("x-repo-commit", COMMIT)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


async def test_a_hub_model_is_fetched_once_without_what_it_does_not_need(
    hub: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    settings = TranslationSettings(hub_url=hub, download_dir=str(tmp_path))
    folder = locate("owner/micro", settings, told.append)
    assert {file.name for file in folder.iterdir()} == {file.name for file in EN_ES.iterdir()}
    assert told == ["fetching owner/micro from the hub"]
    assert capfd.readouterr().err == ""  # no bars among the log's lines
    offline = {"offline": True, "download_dir": str(tmp_path)}
    assert locate("owner/micro", TranslationSettings(**offline), told.append) == folder
    engine = await loaded("en-es=owner/micro", **offline)
    assert engine.model_of(ES) == "owner/micro"


def test_a_model_that_the_hub_does_not_have(hub: str, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="could not be fetched: RepositoryNotFoundError"):
        locate(
            "owner/other", TranslationSettings(hub_url=hub, download_dir=str(tmp_path)), lambda sentence: None
        )
