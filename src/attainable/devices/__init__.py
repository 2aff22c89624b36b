"""Hardware: described in ``profiles/*.toml``, in a user's own file, or measured on this machine."""

from attainable.devices.catalogue import LOCAL, Entry, Origin, entries, find_entry, load_device, names
from attainable.devices.device import Basis, Device
from attainable.devices.figures import Bandwidth, Ceiling, Engine, Kind, Memory, Roof, Sourced
from attainable.devices.folders import cache_folder, config_folder, local_profile_path
from attainable.devices.traits import Alignment, Efficiency

__all__ = [
    "LOCAL",
    "Alignment",
    "Bandwidth",
    "Basis",
    "Ceiling",
    "Device",
    "Efficiency",
    "Engine",
    "Entry",
    "Kind",
    "Memory",
    "Origin",
    "Roof",
    "Sourced",
    "cache_folder",
    "config_folder",
    "entries",
    "find_entry",
    "load_device",
    "local_profile_path",
    "names",
]
