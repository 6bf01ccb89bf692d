"""The messages of `quipu.v1`, as protoc makes them, under one name. Made by tools/generate.py."""

from .checkpoints_pb2 import *
from .consumers_pb2 import *
from .errors_pb2 import *
from .event_pb2 import *
from .event_store_pb2 import *
from .operations_pb2 import *
from .query_pb2 import *
from .read_models_pb2 import *
from .server_info_pb2 import *
from .snapshots_pb2 import *
from .streams_pb2 import *
