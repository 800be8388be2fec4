"""Faults of the front end, and of the process that watches it."""

import molmo2_serve
import psutil
import pytest
from fault_table import RECOVERY
from watched import SLOW, engine, is_ready, processes, until

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

SHORT = [{"operation": "embed"}]


def test_a_watching_process_that_is_killed(scene):
    with scene.fault("`kill -9` of the process that watches the server") as blow:
        (watching,) = processes(scene.server, "molmo2_ops")
        watching.kill()
        blow.strikes()
        kind = scene.ask("http", SHORT)
        blow.ends("nobody; `molmo2 serve` starts another")
        assert kind == "answered"
        until(lambda: is_ready(scene.server), RECOVERY, "readiness")
        (another,) = processes(scene.server, "molmo2_ops")
        assert another.pid != watching.pid


def test_a_front_end_that_is_killed(scene):
    name = "`kill -9` of the JVM"
    with scene.fault(name, leaves="the lock of the engine before", files=2) as blow:
        answer = scene.asked("http", SLOW)
        scene.worker_at_work()
        serving, old = scene.server.process, engine(scene.server)
        (jvm,) = (p for p in processes(scene.server, "ModelServer") if p.name() == "java")
        jvm.kill()
        blow.strikes()
        kind = answer.result()
        blow.ends(f"`{kind}`; `molmo2 serve` ends with the reason")
        assert kind == "engine_unavailable"
        assert serving.wait(30) != 0
        assert "TorchServe ended with status" in molmo2_serve.log_of(scene.options).read_text()
        until(lambda: gone(old), RECOVERY, "the engine to end")
        seconds = scene.starts_anew()
        blow.strikes()
        blow.adds(f", and answers {seconds:.0f} s after it is started again")


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
