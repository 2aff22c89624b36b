"""Every sentence of a checkup, by key: what was seen, and what to do about it. A second language is a second table."""

from collections.abc import Mapping
from types import MappingProxyType

from attainable.messages import Messages

ENGLISH: Mapping[str, str] = MappingProxyType(
    {
        # what the gate saw; the sentence comes with it
        "others.seen": "{seen}",
        "others.do": "Close them, or measure when they are done; `top` says which they are.",
        "steal.seen": "{seen}",
        "steal.do": "Other guests share the host: measure at another time, or on a dedicated host.",
        "quota.seen": "{seen}",
        "quota.do": "Raise the CPU limit of the container, or give fewer --threads.",
        "heat.seen": "{seen}",
        "heat.do": "Let it cool down, give it air, or fix a lower clock: sudo cpupower frequency-set --max 2GHz",
        "clock.seen": "{seen}",
        "clock.do": "Measure again; where the system lets you, fix the clock: "
        "sudo cpupower frequency-set --governor performance",
        "hand-over.seen": "{seen}",
        "hand-over.do": "Threads wait longer for each other: times of several threads are not to be trusted, those of "
        "one are. On a virtual machine it passes when the host moves it, or after a restart.",
        "one core.seen": "{seen}",
        "one core.do": "Count one core where the system says two, and give no more --threads than that.",
        "blind.seen": "the system does not tell what other processes use, so that no run is known to be quiet",
        "blind.do": "Close other programs; on Linux, make /proc/stat readable.",
        # what the machine is set to
        "granted.seen": "the control group grants {quota} of {processors} processors, and stops what takes more",
        "granted.do": "Raise the limit (docker run --cpus, resources.limits.cpu), or give no more --threads than that.",
        "alone.seen": "there is one core: several threads cannot be measured",
        "alone.do": "Measure with --threads 1.",
        "siblings.seen": "{processors} processors are threads of {cores} cores and share their arithmetic units",
        "siblings.do": "Give no more than --threads {cores}; or turn it off: "
        "echo off | sudo tee /sys/devices/system/cpu/smt/control",
        "virtual.seen": "a hypervisor is in between: it moves processors, and may make up the clock",
        "virtual.do": "Compare runs that were made in turns, not times of different days.",
        "governor.seen": "the governor {governor} lowers the clock of idle cores, and the first runs pay for it",
        "governor.do": "sudo cpupower frequency-set --governor performance",
        "slow clock.seen": "a busy core runs at {clock}, its highest clock is {highest}",
        "slow clock.do": "Look for heat, a power limit, a battery, or a highest clock that was set lower: "
        "cpupower frequency-info",
        "hot.seen": "the processor has {temperature} degrees Celsius, close to where it slows itself down",
        "hot.do": "Let it cool down, and give it air.",
        "throttled.seen": "heat slowed the processor down {events} times since boot",
        "throttled.do": "Long runs may be slower than short ones; compare the first minute with the tenth.",
        "full memory.seen": "{left} of memory are left, {share} of all",
        "full memory.do": "Close what takes memory: `ps --sort -rss aux` says which.",
        "swap.seen": "{used} of memory were written to disk and have to be read back when used",
        "swap.do": "With enough memory free, bring it back: sudo swapoff -a && sudo swapon -a",
        "small pages.seen": "huge pages are off: large tensors cost more walks through page tables",
        "small pages.do": "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled",
        "nodes.seen": "the processors belong to {nodes} memories (NUMA nodes), each near to its own only",
        "nodes.do": "Stay on one: numactl --cpunodebind={first} --membind={first} attainable ...",
        "kinds.seen": "there are {kinds} kinds of cores ({counts} processors), of different speeds",
        "kinds.do": "Stay on one kind: taskset -c NUMBERS attainable ...; `lscpu --extended` shows which they are.",
        "no runtime.seen": "no runtime can be used: nothing can be measured",
        "no runtime.do": "attainable runtimes install onnxruntime",
        # runtimes that cannot be used
        "runtime.host.missing": '{command}; then in config.toml: [hosts.{table}] python = "{python}"',
        "runtime.host.broken": "name an interpreter that has it in config.toml: hosts.{key}.runtimes.{runtime}.python",
        "runtime.missing.nowhere": "attainable runtimes install {runtime}",
        "runtime.slow.own": "it did not answer in time; it may be usable: attainable measure MODEL --runtime {runtime}",
        "runtime.slow.managed": "it did not answer in time; it may be usable: "
        "attainable measure MODEL --runtime {runtime}",
        "runtime.slow.configured": "it did not answer in time; it may be usable: "
        "attainable measure MODEL --runtime {runtime}",
        "runtime.broken.own": "install it in an environment of its own: attainable runtimes install {runtime}",
        "runtime.broken.managed": "install it again: attainable runtimes install {runtime} --upgrade",
        "runtime.broken.configured": "correct runtimes.{runtime}.python in config.toml, now {python}",
        "runtime.broken.nowhere": "correct config.toml in the configuration folder",
    }
)

_MESSAGES = Messages(ENGLISH)
say = _MESSAGES.say
