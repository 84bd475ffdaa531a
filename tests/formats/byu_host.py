"""What the microfluidics group's host makes of a print file: an oracle for reader, writer and `verify`.

It is written from published facts, straight from the JSON, without anything of pmsl.
"""

import copy
import io
import json
import re
import zipfile

import jsonschema
import numpy as np
import pytest
from formats.byu_files import SCHEMA
from PIL import Image


class Rejected(Exception):
    """The host does not take the file."""


def _filled(item, values):
    """Put variables in, as the host's evaluator does for arithmetic."""
    if isinstance(item, dict):
        return {k: _filled(v, values) for k, v in item.items()}
    if isinstance(item, list):
        return [_filled(v, values) for v in item]
    if not isinstance(item, str):
        return item

    def value(text):
        try:
            return eval(text, {"__builtins__": {}}, dict(values))
        except Exception as err:
            raise Rejected(f"{text}: {err}") from err

    whole = re.fullmatch(r"\$\{([^}]+)\}", item)
    return value(whole[1]) if whole else re.sub(r"\$\{([^}]+)\}", lambda m: str(value(m[1])), item)


def _merged(named, key, name, depth=0):
    if name not in named or depth > 50:
        raise Rejected(f"settings {name!r}")
    own = dict(named[name])
    parent = own.pop(key, None)
    return own if parent is None else {**_merged(named, key, parent, depth + 1), **own}


def _times(layer, default):
    count = int(layer.get("Number of duplications", default))
    if count > 1000:
        raise Rejected(f"{count} layers: it would print for days")
    return range(count)


def host_layers(path):
    """Return (table, layers) as the host prints them: each layer (position, [(image settings, relift, film lift in mm, pixels)]).

    Raises
    ------
    Rejected
        Its validator does not take the file.
    """
    with zipfile.ZipFile(path) as z:
        members = {n: z.read(n) for n in z.namelist() if not re.search(r"\.csv|\.log|exposure_data", n)}
    tables = [n for n in members if n.endswith(".json") and "/" not in n]
    if len(tables) != 1:
        raise Rejected(f"{len(tables)} tables")
    doc = json.loads(members[tables[0]])
    layers = []
    for layer in doc.get("Layers", []):
        if not isinstance(layer, dict) or "Using named layer group" not in layer:
            layers.append(layer)
            continue
        group = doc.get("Named layer groups", {}).get(layer["Using named layer group"])
        if group is None:
            raise Rejected("no such group")
        raw = {**doc.get("Variables", {}), **layer.get("Variables", {})}
        scope = _filled(raw, raw)
        layers += [copy.deepcopy(_filled(entry, scope)) for _ in _times(layer, 1) for entry in group]
    doc["Layers"] = layers if "Layers" in doc else None
    doc = _filled(doc, doc.get("Variables", {}))
    if doc["Layers"] is None:
        raise Rejected("no Layers")
    error = next(jsonschema.Draft7Validator(SCHEMA).iter_errors(doc), None)
    if error is not None:
        raise Rejected(error.message)
    positions, images = (
        {k: v for k, v in doc.get(f"Named {word} settings", {}).items() if k != "Comment"} for word in ("position", "image")
    )
    for named, key in ((positions, "Using named position settings"), (images, "Using named image settings")):
        for name in named:
            _merged(named, key, name)
    return doc, _printed(doc, members, positions, images)


def _printed(doc, members, positions, images):
    default = doc["Default layer settings"]
    folder = doc["Header"]["Image directory"].rstrip("/")
    file = f"{folder}/{default['Image settings']['Image file']}"
    if file not in members:
        raise Rejected(f"{file} is missing")
    out = []
    for layer in doc["Layers"]:
        own = dict(layer.get("Position settings", {}))
        name = own.pop("Using named position settings", None)
        position = {**default["Position settings"], **(_merged(positions, "Using named position settings", name) if name else {}), **own}
        shown = []
        common = layer.get("Using named default image settings")
        for settings in layer.get("Image settings list") or [{}]:
            settings = dict(settings)
            name = settings.pop("Using named image settings", None) or common
            below = _merged(images, "Using named image settings", name) if name else {}
            if "Image file" in {**below, **settings}:
                _check_image(members, f"{folder}/{ {**below, **settings}['Image file'] }")
            shown.append({**default["Image settings"], **below, **settings})
        for _ in _times(layer, default["Number of duplications"]):
            out.append((position, [(*event, _pixels(members, folder, event[0])) for event in _events(copy.deepcopy(shown))]))
    return out


def _check_image(members, name):
    if name not in members:
        raise Rejected(f"{name} is missing")
    with Image.open(io.BytesIO(members[name])) as image:
        if (image.format, image.mode) != ("PNG", "L"):
            raise Rejected(f"{name} is {image.mode}")


def _pixels(members, folder, settings):
    with Image.open(io.BytesIO(members[f"{folder}/{settings['Image file']}"])) as image:
        frame = np.array(image)
    frame = frame[::-1] if settings.get("Mirror image short axis") else frame
    return frame[:, ::-1] if settings.get("Mirror image long axis") else frame


def _technique(settings, name):
    return settings.get("Special image techniques", {}).get(name, {})


def _events(shown):
    """Yield (settings, whether the plate lifts before it, film lift [mm])."""

    def one_round(some, lift):
        film = [s for s in some if _technique(s, "Print on film").get("Enable print on film")]
        for s in film[:1]:
            s["Wait before exposure (ms)"] = max(
                s["Wait before exposure (ms)"], _technique(s, "Print on film").get("Wait before exposure (ms)", 0)
            )
        for s in [*film, *(s for s in some if not any(s is f for f in film))]:
            up = _technique(s, "Print on film").get("Distance up (mm)", 0.3) if any(s is f for f in film) else None
            yield s, lift, up
            lift = False

    yield from one_round(shown, False)
    again = [s for s in shown if _technique(s, "0 um layer").get("Enable 0 um layer")]
    for n in range(max((_technique(s, "0 um layer").get("Number of duplications", 1) for s in again), default=0)):
        yield from one_round([s for s in again if _technique(s, "0 um layer").get("Number of duplications", 1) > n], True)


def assert_as_the_host_prints(job, path):
    """Hold a job, exposure by exposure, against what the host makes of a file."""
    slabs = []
    for position, events in host_layers(path)[1]:
        if position["Layer thickness (um)"] > 0:
            slabs.append((position, [(s, position if lift else None, up, pixels) for s, lift, up, pixels in events]))
        else:
            slabs[-1][1].extend((s, position if lift or i == 0 else None, up, pixels) for i, (s, lift, up, pixels) in enumerate(events))
    assert job.n_layers == len(slabs)
    for (position, events), plan in zip(slabs, job.layers(), strict=True):
        assert plan.thickness_um == position["Layer thickness (um)"]
        dark = [e for e in events if not _lit(e)]  # how long they take goes to their neighbours' waits
        assert np.allclose(_numbers(plan.motion)[: -1 if dark else None], _moves(position)[: -1 if dark else None])
        assert (plan.squeeze is not None) == _squeezes(position)
        shown = [(e, r) for e in plan.exposures for r in range(e.repeat)]
        lit = [e for e in events if _lit(e)]
        assert len(lit) == len(shown)
        for (s, relift, up, pixels), (e, r) in zip(lit, shown, strict=True):
            _assert_shown(job, s, e, waits=not dark)
            assert (relift is not None) == (e.relift is not None and r == 0)
            if relift is not None:
                assert np.allclose(_numbers(e.relift.motion), _moves(relift))
                assert (e.relift.squeeze is not None) == _squeezes(relift)
            assert (up is None) == (e.film_lift_um is None) and (up is None or abs(up * 1000 - e.film_lift_um) < 1e-6)
            assert np.array_equal(e.mask.dense(np.uint8)[::-1], pixels)  # row 0 of a frame is the largest y


def _lit(event):
    return event[0]["Layer exposure time (ms)"] > 0 and event[0]["Light engine power setting"] > 0 and event[3].any()


def _assert_shown(job, s, e, waits):
    engine = job.engines[e.engine]
    assert engine.name == s["Light engine"]
    assert engine.wavelength_nm == s["Light engine wavelength (nm)"] or s["Light engine wavelength (nm)"] <= 0
    shown = {
        "Layer exposure time (ms)": e.time_s * 1000,
        "Light engine power setting": e.power * 1000,
        "Relative focus position (um)": e.focus_um,
        **({"Wait before exposure (ms)": e.wait_before_s * 1000, "Wait after exposure (ms)": e.wait_after_s * 1000} if waits else {}),
    }
    assert shown == {k: pytest.approx(s[k], abs=1e-6) for k in shown}
    assert e.offset_um == (s.get("Image x offset (um)", 0), s.get("Image y offset (um)", 0))
    even = "flat-field-by-host" in job.requires if e.flat_field_by_host is None else e.flat_field_by_host
    assert even == s.get("Do grayscale correction", False)


def _numbers(m):
    waits = m.wait_before_lift_s, m.wait_top_s, m.settle_s
    return [m.lift_um, m.lift_um_s, m.lift_um_s2, m.retract_um_s, m.retract_um_s2, *waits]


def _moves(p):
    keys = ("Distance up (mm)", *(f"BP {d} {w}" for d in ("up", "down") for w in ("speed (mm/sec)", "acceleration (mm/sec^2)")))
    return [*(p[k] * 1000 for k in keys), *(p[f"{w} wait (ms)"] / 1000 for w in ("Initial", "Up", "Final"))]


def _squeezes(p):
    squeeze = p.get("Special layer techniques", {}).get("Squeeze out resin", {})
    return bool(squeeze.get("Enable squeeze") and squeeze.get("Squeeze count", 1))
