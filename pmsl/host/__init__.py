"""PrintJob → machine. Whatever happens to the host, the light goes out.

protocol       LightEngine, Stage: what a machine must be, and what is true when each call returns
play           play, aplay: one print in one call
player         Player: run, pause, cancel, status; play_options: how
exposure_iterator   exposures one by one, for hosts with their own loop; useq_events: as the events of other hosts' loops
simulated      a machine that is not there, and returns the dose it was given

machine        capabilities: what a machine may state; compatibility, machine_check: job against itself and machine, before anything moves;
               watchdog: a process of its own that times the light of engines which cannot; engine_factory: an engine by its name
control        light_control: the light; drift: is it what was asked for; stage_control: the plate's way; layer_prefetch: layers made
               ahead, each held against its hash; signals: SIGINT and SIGTERM while it is lit; interruptible_wait: for events and threads
record         play_log: played.jsonl, play_log_lines its lines; mask_hashes: what was checked; resume: where a print goes on

Only what is asked for is loaded: playing a written job needs neither the mesh library nor the compiler.
"""

from pmsl.host.exposure_iterator import Shot, aexposures, exposures, shots
from pmsl.host.machine.watchdog import Switch, Watched
from pmsl.host.play import aplay, arun, play
from pmsl.host.play_options import Options
from pmsl.host.player import Player
from pmsl.host.protocol import Clock, LightEngine, RealClock, Shifting, Stage
from pmsl.host.simulated import SimulatedClock, SimulatedEngine, SimulatedStage, Simulation
from pmsl.host.status import Status
from pmsl.host.useq_events import useq_event, useq_events

__all__ = [
    "Clock",
    "LightEngine",
    "Options",
    "Player",
    "RealClock",
    "Shifting",
    "Shot",
    "SimulatedClock",
    "SimulatedEngine",
    "SimulatedStage",
    "Simulation",
    "Stage",
    "Status",
    "Switch",
    "Watched",
    "aexposures",
    "aplay",
    "arun",
    "exposures",
    "play",
    "shots",
    "useq_event",
    "useq_events",
]
