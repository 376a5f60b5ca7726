# SPDX-License-Identifier: Apache-2.0
"""`compress` of models and outputs at URLs: fsspec's file systems of this machine stand for object stores."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fault_tools as ft
import fsspec
import loewner
import pytest
from calibrated_models import bert_folder, write_text
from loewner._urls.remote_folder import RemoteFolder

OPTIONS: dict[str, Any] = {"keep": 0.5, "selection": "all", "text": "none"}
SHARD = "model-00002-of-00003.safetensors"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOEWNER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return ft.write_shards(tmp_path / "model")


class Store:
    """A bucket in memory, with a model."""

    def __init__(self, bucket: str, model: Path) -> None:
        self.system: Any = fsspec.filesystem("memory")
        self.root = f"/{bucket}"
        self.model, self.out = f"memory:/{self.root}/model", f"memory:/{self.root}/out"
        for name, data in ft.files_of(model).items():
            self.write(f"model/{name}", data)

    def write(self, path: str, data: bytes) -> None:
        self.system.pipe_file(f"{self.root}/{path}", data)

    def files(self, folder: str) -> dict[str, bytes]:
        start = f"{self.root}/{folder}/"
        return {path.removeprefix(start): self.system.cat_file(path) for path in self.system.find(start)}

    def compress(self, **options: Any) -> loewner.CompressReport:
        return loewner.compress(self.model, self.out, **{**OPTIONS, **options})


@pytest.fixture
def store(model: Path) -> Iterator[Store]:
    made = Store(model.parent.name, model)
    yield made
    made.system.rm(made.root, recursive=True)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What runs read and write at URLs beside OUT.partial, in order: "fetch model.safetensors"."""
    made: list[str] = []

    def record(verb: str, place: int) -> None:
        method: Callable[..., None] = getattr(RemoteFolder, verb)

        def call(self: RemoteFolder, *arguments: Any) -> None:
            if not self.url.endswith(".partial"):
                made.append(f"{verb} {arguments[place]}")
            method(self, *arguments)

        monkeypatch.setattr(RemoteFolder, verb, call)

    record("fetch", 0)
    record("put", 1)
    record("remove", 0)
    return made


def of_folders(model: Path, **options: Any) -> dict[str, bytes]:
    """The files that a run on folders writes."""
    out = model.with_name("out")
    loewner.compress(model, out, **{**OPTIONS, **options})
    files = ft.files_of(out)
    shutil.rmtree(out)
    return files


def test_the_output_has_the_bytes_of_a_run_on_folders(store: Store, model: Path, cache: Path) -> None:
    expected = of_folders(model)
    report = store.compress()
    assert report.totals.weights_bytes_after < report.totals.weights_bytes_before
    assert store.files("out") == expected
    assert store.files("out.partial") == {}
    assert not list((cache / "outputs").iterdir())
    assert store.files("out") != of_folders(model, keep=0.4)  # control


def test_either_may_be_a_folder(store: Store, model: Path) -> None:
    expected, out = of_folders(model), model.with_name("out")
    loewner.compress(store.model, out, **OPTIONS)
    assert ft.files_of(out) == expected
    loewner.compress(model, store.out, **OPTIONS)
    assert store.files("out") == expected


def test_a_dry_run_writes_nothing(store: Store) -> None:
    plan, before = store.compress(dry_run=True), store.system.find(store.root)
    assert len(plan.tensors) == 2 and {path.split("/")[2] for path in before} == {"model"}


def test_files_of_a_model_are_read_once(store: Store, model: Path, calls: list[str], cache: Path) -> None:
    plan: dict[str, Any] = {**OPTIONS, "dry_run": True}
    loewner.compress(store.model, **plan)
    assert sorted(calls) == sorted(f"fetch {name}" for name in ft.files_of(model))
    calls.clear()
    loewner.compress(store.model, **plan)
    assert calls == []
    store.write(f"model/{SHARD}", ft.files_of(model)[SHARD])  # a new version
    store.write("model/notes.txt", b"new")
    loewner.compress(store.model, **plan)
    assert sorted(calls) == [f"fetch {SHARD}", "fetch notes.txt"]
    store.system.rm_file(f"{store.root}/model/notes.txt")
    loewner.compress(store.model, **plan)
    assert {path.name for path in cache.rglob("*") if path.is_file()} == {*ft.files_of(model), "fetched.json"}


def test_a_copy_that_was_damaged_is_read_again(store: Store, calls: list[str], cache: Path) -> None:
    plan: dict[str, Any] = {**OPTIONS, "dry_run": True}
    loewner.compress(store.model, **plan)
    calls.clear()
    next(cache.rglob(SHARD)).write_bytes(b"cut off")
    loewner.compress(store.model, **plan)
    assert calls == [f"fetch {SHARD}"]


def test_a_file_that_is_read_in_part_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    def half(path: str, target: str) -> None:
        data = store.system.cat_file(path)
        Path(target).write_bytes(data[: len(data) // 2])

    monkeypatch.setattr(type(store.system), "get_file", lambda self, path, target: half(path, target))
    with pytest.raises(loewner.IoError, match=r"^memory://.*/model/config\.json: has \d+ bytes, read \d+$"):
        store.compress()
    assert store.files("out.partial") == {}
    assert not list(cache.rglob("*.partial"))


def test_the_configuration_is_put_last(store: Store, calls: list[str]) -> None:
    store.compress()
    puts = [call for call in calls if not call.startswith("fetch")]
    assert puts[-1] == "put config.json" and puts.count("put config.json") == 1
    store.write("out/old.txt", b"of the old output")
    calls.clear()
    store.compress(if_exists="overwrite")
    assert (calls[0], calls[-2], calls[-1]) == ("remove config.json", "remove old.txt", "put config.json")


@pytest.mark.parametrize("if_exists", ["resume", "overwrite"])
def test_an_interrupted_upload_is_no_output_and_goes_on(
    if_exists: str, store: Store, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = of_folders(model)
    with monkeypatch.context() as patch:
        put = RemoteFolder.put

        def broken(self: RemoteFolder, path: Path, name: str) -> None:
            if name == "config.json":
                raise loewner.IoError(f"{self.url}/{name}: the network is gone")
            put(self, path, name)

        patch.setattr(RemoteFolder, "put", broken)
        with pytest.raises(loewner.IoError, match="the network is gone"):
            store.compress()
    assert "config.json" not in store.files("out") and SHARD in store.files("out")
    with pytest.raises(loewner.IoError, match=r"out\.partial: holds an unfinished output; resume it"):
        store.compress()
    report = store.compress(if_exists=if_exists)
    assert ("the output was already complete" in report.notes) == (if_exists == "resume")
    assert store.files("out") == expected and store.files("out.partial") == {}


def test_a_complete_output_is_refused_resumed_or_overwritten(store: Store, calls: list[str]) -> None:
    store.compress()
    files = store.files("out")
    with pytest.raises(loewner.IoError, match=r"^memory://.*/out: already exists; .*--overwrite"):
        store.compress()
    calls.clear()
    assert store.compress(if_exists="resume").notes[-1] == "the output was already complete"
    assert [call for call in calls if call.startswith(("put", "remove"))] == []
    assert store.files("out") == files
    with pytest.raises(loewner.IoError, match=r"^memory://.*/out"):
        store.compress(if_exists="resume", keep=0.4)  # other work
    assert store.files("out") == files
    store.compress(if_exists="overwrite", keep=0.4)
    assert store.files("out") != files


@pytest.mark.parametrize("name", ["config.json", "notes.txt"])
@pytest.mark.parametrize("if_exists", ["refuse", "resume", "overwrite"])
def test_what_loewner_did_not_write_stays(name: str, if_exists: str, store: Store) -> None:
    store.write(f"out/{name}", b'{"model_type": "bert"}')
    with pytest.raises(loewner.IoError, match=r"^memory://.*/out: "):
        store.compress(if_exists=if_exists)
    assert store.files("out") == {name: b'{"model_type": "bert"}'} and store.files("out.partial") == {}


def test_errors_name_urls(store: Store, cache: Path) -> None:
    with pytest.raises(loewner.IoError, match=r"^memory://.*/nothing: no files are there$"):
        loewner.compress(store.model + "/../nothing", store.out, **OPTIONS)
    store.system.rm_file(f"{store.root}/model/config.json")
    with pytest.raises(loewner.IoError, match=r"^memory://.*/model/config\.json: ") as refused:
        store.compress()
    assert str(cache) not in str(refused.value)
    assert store.files("out.partial") == {}
    for url, message in (("nosuch://bucket/model", "nosuch"), ("memory://bucket/model.onnx", "ONNX files are not")):
        with pytest.raises(ValueError, match=message):
            loewner.compress(url, store.out, **OPTIONS)
    with pytest.raises(ValueError, match="text must be a file of this machine"):
        store.compress(text="memory://bucket/text")
    with pytest.raises(ValueError, match="seen by one process only"):
        store.compress(ray="local")


def test_the_command_reads_and_writes_urls(model: Path, cache: Path) -> None:
    bucket = model.parent / "bucket"
    shutil.copytree(model, bucket / "model")
    model_url, out_url = f"file://{bucket}/model", f"file://{bucket}/out"
    expected = of_folders(model)
    command = ft.compress_all(model_url, out_url, "--keep", 0.5)  # type: ignore[arg-type]
    done = ft.run(*command, "--json", model.parent / "report.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert ft.files_of(bucket / "out") == expected
    assert json.loads((model.parent / "report.json").read_text())["tensors"]
    assert not (bucket / "out.partial").exists() or not list((bucket / "out.partial").iterdir())
    assert "already exists" in ft.refusal(3, *command)
    assert "--ray takes URLs" in ft.refusal(2, *command, "--worker", "0/2")
    assert "is a URL" in ft.refusal(2, "verify", out_url)


def test_moments_may_be_at_a_url(store: Store, tmp_path: Path) -> None:
    model, moments = bert_folder(tmp_path / "bert"), tmp_path / "moments"
    loewner.calibrate(model, moments, text=write_text(tmp_path / "text.txt"), activations=True)
    store.write("moments", moments.read_bytes())
    options: dict[str, Any] = {"selection": "all", "bits": 4}
    for name, file in (("url", f"memory:/{store.root}/moments"), ("file", str(moments))):
        (tmp_path / name).mkdir()
        loewner.compress(model, tmp_path / name / "out", moments=file, **options)
    assert ft.files_of(tmp_path / "url" / "out") == ft.files_of(tmp_path / "file" / "out")
    loewner.compress(model, tmp_path / "out", text="none", **options)  # control
    assert ft.files_of(tmp_path / "out") != ft.files_of(tmp_path / "file" / "out")


def test_an_interrupted_command_is_resumed(tmp_path: Path, cache: Path) -> None:
    bucket = tmp_path / "bucket"
    bucket.mkdir()
    model = ft.write_model(bucket / "model", ft.large_tensors(15))
    options = ("--keep", "0.9", "--method", "svd", "--max-memory", "190MB")  # parts are soon saved
    assert ft.run(*ft.compress_all(model, tmp_path / "out", *options)).returncode == 0
    command = ["compress", f"file://{model}", "-o", f"file://{bucket}/out", "--all", "--text", "none", *options]
    process = subprocess.Popen(ft.tool() + command, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(cache.glob("outputs/*/out.partial/parts/[0-9]*")):
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    assert [path.name for path in (bucket / "out.partial").iterdir()] == ["unfinished.json"]
    assert "holds an unfinished output" in ft.refusal(3, *command)
    done = ft.run(*command, "--resume", "--json", tmp_path / "report.json")
    assert done.returncode == 0, done.stderr
    notes = json.loads((tmp_path / "report.json").read_text())["notes"]
    assert any(note.endswith("was finished by an earlier run") for note in notes)
    assert ft.files_of(bucket / "out") == ft.files_of(tmp_path / "out")


def test_an_object_store(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3, if `pip install 'moto[server]' s3fs` was run: both take too much for the requirements of the tests."""
    server_of = pytest.importorskip("moto.server")
    pytest.importorskip("s3fs")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = server_of.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    try:
        host, port = server.get_host_and_port()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        system = fsspec.filesystem("s3")
        system.mkdir("bucket")
        system.put(str(model), "bucket/model", recursive=True)
        expected = of_folders(model)
        loewner.compress("s3://bucket/model", "s3://bucket/out", **OPTIONS)
        found = {path.removeprefix("bucket/out/"): system.cat_file(path) for path in system.find("bucket/out")}
        assert found == expected
        assert system.find("bucket/out.partial") == []
        with pytest.raises(loewner.IoError, match=r"^s3://bucket/out: already exists"):
            loewner.compress("s3://bucket/model", "s3://bucket/out", **OPTIONS)
        with pytest.raises(loewner.IoError, match=r"^s3://nowhere/out"):
            loewner.compress("s3://bucket/model", "s3://nowhere/out", **OPTIONS)
    finally:
        server.stop()
