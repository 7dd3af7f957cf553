"""The demo's protocol, read from its files at run time: no generated code."""

import pathlib

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

from harness import HERE, ROOT

FOLDER = ROOT / "demo" / "proto"
DESCRIPTORS = HERE / ".peers" / "demo.descriptors"


def _load():
    files = sorted(path.name for path in pathlib.Path(FOLDER).glob("*.proto"))
    made = protoc.main(["protoc", f"-I{FOLDER}", "--include_imports", f"--descriptor_set_out={DESCRIPTORS}", *files])
    if made != 0:
        raise SystemExit(f"the protocol in {FOLDER} does not compile")
    pool = descriptor_pool.DescriptorPool()
    for file in descriptor_pb2.FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file:
        pool.Add(file)
    return pool


_POOL = _load()


def methods(service):
    """The methods of a service by its full name: descriptors, each with `name`, input, output and streaming."""
    return _POOL.FindServiceByName(service).methods


def method(service, name):
    return _POOL.FindServiceByName(service).methods_by_name[name]


def path(service, name):
    return f"/{service}/{name}"


def input_of(one):
    return message_factory.GetMessageClass(one.input_type)


def output_of(one):
    return message_factory.GetMessageClass(one.output_type)


def request(service, name, **fields):
    return input_of(method(service, name))(**fields)
