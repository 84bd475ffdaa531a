"""The viewer: who is refused, what a tile is, and the served page in a browser."""

import dataclasses
import functools
import http.client
import json
import socket
import threading
import time
from email.message import Message
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from unittest import mock

import numpy as np
import pytest
from jobs_of_arrays import job_of
from page_jobs import hostile_job, job_with_exposures

import pmsl
from pmsl.core.mask import LayerMask
from pmsl.errors import JobError, OutputError
from pmsl.report.viewer import served_job, server
from pmsl.report.viewer.access import Access
from pmsl.report.viewer.served_job import NotInJobError, ServedJob, tile_levels
from pmsl.report.viewer.server import Viewer
from pmsl.report.viewer.view_page import view_page


@pytest.fixture(scope="module")
def prepared():
    job = job_with_exposures("grid")
    return view_page(job), job


@pytest.fixture
def viewer(prepared):
    page, job = prepared
    opened = Viewer(page, ServedJob(job))
    opened.start()
    yield opened
    opened.close()


def ask(viewer, path, host=None, method="GET", **headers):
    """Status, headers and body of a request."""
    connection = http.client.HTTPConnection("127.0.0.1", viewer.port, timeout=10)
    connection.putrequest(method, path, skip_host=True)
    if host != "":
        connection.putheader("Host", host or f"127.0.0.1:{viewer.port}")
    for name, value in headers.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, dict(answer.getheaders()), body


def entered(viewer):
    """The cookie of a page that opened the address."""
    status, headers, _ = ask(viewer, viewer.address.partition(str(viewer.port))[2])
    assert status == 303 and headers["Location"] == "/"
    assert "HttpOnly" in headers["Set-Cookie"] and "SameSite=Strict" in headers["Set-Cookie"]
    return headers["Set-Cookie"].partition(";")[0]


def test_the_address_works_once_and_is_exchanged_for_a_cookie(viewer):
    path = viewer.address.partition(str(viewer.port))[2]
    assert ask(viewer, "/")[0] == 403 and ask(viewer, "/?token=guess")[0] == 403 and ask(viewer, "/?token=%C3%A9")[0] == 403
    cookie = entered(viewer)
    assert ask(viewer, path)[0] == 403  # a second time
    status, headers, body = ask(viewer, "/", Cookie=cookie)
    assert (
        status == 200 and b"page-data" in body and headers["X-Content-Type-Options"] == "nosniff" and "no-store" in headers["Cache-Control"]
    )


TILE = "/tile?k=4&exposure=0&level=0&row=0&col=0"


@pytest.mark.parametrize(
    "wrong",
    [
        {"Cookie": ""},
        {"Cookie": "pmsl-view-{port}=guess"},
        {"Cookie": "pmsl-view-{port}"},
        {"Cookie": "x=1; ; =; pmsl-view-{port}=\xe9"},
        {"Cookie": "other=1"},
        {"host": "evil.example"},
        {"host": "127.0.0.1"},
        {"host": "127.0.0.1:1"},
        {"host": ""},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/", TILE, "/layer?k=0", "/alive", "/graphs"])
def test_others_are_refused(viewer, wrong, path):
    """Without the cookie, under another name of the host, from pages of others."""
    cookie = entered(viewer)
    wrong = {name: value.replace("{port}", str(viewer.port)) for name, value in wrong.items()}
    assert ask(viewer, path, **({"Cookie": cookie} | wrong))[0] == 403
    assert (
        path == "/alive"
        or ask(viewer, path, Cookie=cookie, Origin=f"http://127.0.0.1:{viewer.port}", Sec_Fetch_Site="same-origin")[0] == 200
    )


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
        "/layer?k=../../etc/passwd",
        "/layer?k=-1",
        "/layer?k=9999",
        "/layer?k=1&k=2",
        "/layer",
        "/layer?k=1&x=1",
        "/tile?k=4&exposure=7&level=0&row=0&col=0",
        "/tile?k=4&exposure=0&level=99&row=0&col=0",
        "/tile?k=4&exposure=0&level=0&row=1&col=0",
        "/tile?k=4&exposure=0&level=0&row=0&col=99999999999999999999",
        "/tile?k=%D9%A4&exposure=0&level=0&row=0&col=0",  # a digit, but none of ours
        "/layer?k=1&x=",
        "/layer?k=",
        "/layer?k=0000000000005x",
        "/graphs?k=1",
        f"/layer?k={10**12}",
        f"/layer?k={10**15}0000001",  # not cut to a layer that there is
        f"/tile?k=4&exposure=0&level=0&row={10**200}&col=0",
        f"/tile?k=4&exposure=0&level={2**64}&row=0&col=0",
        f"/tile?k=4&exposure={2**64}&level=0&row=0&col=0",
    ],
)
def test_paths_and_numbers_that_are_none_are_refused(viewer, path):
    assert ask(viewer, path, Cookie=entered(viewer))[0] == 404


def test_numbers_are_read_whole(viewer):
    cookie, layer = entered(viewer), json.loads(json.dumps(viewer.served.layer(5)))
    assert json.loads(ask(viewer, f"/layer?k={5:040d}", Cookie=cookie)[2]) == layer


@pytest.mark.parametrize("path", ["http://[x/", "//[", "//[/layer?k=1", "/?" + "&".join("abcdefghij")])
def test_what_is_no_address_is_answered_all_the_same(viewer, path):
    assert ask(viewer, path, Cookie=entered(viewer))[0] == (400 if path.startswith("http") else 404)


@pytest.mark.parametrize("level", [0, 1, 15, 16, 17, 62, 63, 64, 10**9])
def test_tiles_beyond_the_field_are_refused_at_any_number(level):
    """Also at those of which the first pixel is a number of more than 64 bits, in a field as large as those are."""
    mask = LayerMask.from_dense(0, np.full((37, 45), 255, np.uint8))
    for at in (-1, 1, 37, 2**21, 2**37, 2**38 - 1, 2**38, 2**53, 2**63 - 1, 2**63, 2**64, 10**30):
        for row, col in ((at, 0), (0, at), (at, at)):
            with pytest.raises(NotInJobError):
                tile_levels(mask, level, row, col)
    if level <= served_job.MOST_LEVELS:
        assert tile_levels(mask, level, 0, 0).size


def other_viewer(viewer):
    made = Viewer(viewer.page, viewer.served)
    made.start()
    return made


def test_two_viewers_in_one_browser_let_each_other_be(viewer):
    """A browser gives both cookies to both, the later of a name instead of the earlier."""
    other = other_viewer(viewer)
    try:
        jar = dict(entered(v).split("=", 1) for v in (viewer, other))
        cookies = "; ".join(f"{name}={value}" for name, value in jar.items())
        assert ask(viewer, "/", Cookie=cookies)[0] == ask(other, "/", Cookie=cookies)[0] == 200
        assert ask(other, "/", Cookie=cookies.partition("; ")[0])[0] == 403
    finally:
        other.close()


@pytest.mark.parametrize(
    "foreign", ['prefs={"a":"b, c"}', "a b c=1", "=", "", "x", 'q="', "pmsl-view=old", "b=\xe9\xff", '[]{}()<>@,:\\"/?=1']
)
def test_cookies_of_others_are_passed_over(viewer, foreign):
    """Whatever else is served on 127.0.0.1 sets cookies of any form, and browsers give them to all ports."""
    cookie = entered(viewer)
    for cookies in (f"{foreign}; {cookie}", f"{cookie}; {foreign}", f"{foreign};{cookie};{foreign}"):
        assert ask(viewer, "/layer?k=0", Cookie=cookies)[0] == 200
    assert ask(viewer, "/layer?k=0", Cookie=foreign)[0] == 403


def test_the_ordinary_port_has_no_number_in_host():
    """Browsers leave :80 out of Host and Origin; of another port never."""
    for port, known in ((80, True), (8080, False)):
        access = Access(port)
        for name in ("127.0.0.1", "localhost"):
            told = Message()
            told["Host"], told["Origin"] = name, f"http://{name}"
            assert access.host_known(told) is access.own_page(told) is known
            del told["Host"], told["Origin"]
            told["Host"], told["Origin"] = f"{name}:{port}", f"http://{name}:{port}"
            assert access.host_known(told) and access.own_page(told)


@pytest.mark.parametrize("site", ["same-site", "cross-site"])
def test_a_link_of_another_page_leads_in(viewer, site):
    """What a browser asks for next after a redirection counts as that page's, without the cookie: ours leads on itself."""
    status, headers, body = ask(viewer, viewer.address.partition(str(viewer.port))[2], Sec_Fetch_Site=site, Sec_Fetch_Dest="document")
    assert status == 200 and b"url=/" in body and b"script" not in body
    assert ask(viewer, "/", Cookie=headers["Set-Cookie"].partition(";")[0], Sec_Fetch_Site="same-origin")[0] == 200


@pytest.mark.parametrize("asked", [{"Sec_Fetch_Dest": "iframe"}, {"Sec_Fetch_Dest": "image"}, {"Sec_Purpose": "prefetch"}], ids=str)
def test_what_shows_no_page_does_not_use_the_address_up(viewer, asked):
    path = viewer.address.partition(str(viewer.port))[2]
    status, headers, _ = ask(viewer, path, **asked)
    assert status == 403 and "Set-Cookie" not in headers
    assert entered(viewer)


@pytest.mark.parametrize(
    "error", [JobError("frames/4.png: \udcff cut short"), ValueError("broken array"), RuntimeError("boom"), IndexError("9")]
)
def test_a_failure_is_said_and_the_next_request_answered(prepared, monkeypatch, error):
    page, job = prepared
    viewer = Viewer(page, ServedJob(job))
    viewer.start()
    try:
        cookie = entered(viewer)
        for name, path in (("tile", TILE), ("layer", "/layer?k=4"), ("graphs", "/graphs")):
            with monkeypatch.context() as patch:
                patch.setattr(viewer.served, name, mock.Mock(side_effect=error))
                status, _, body = ask(viewer, path, Cookie=cookie)
                assert status == 500 and str(error).replace("\udcff", "\\udcff").encode() in body
                assert isinstance(error, JobError) or type(error).__name__.encode() in body
            assert ask(viewer, path, Cookie=cookie)[0] == 200
    finally:
        viewer.close()


def test_other_methods_and_long_paths_are_refused(viewer):
    cookie = entered(viewer)
    assert ask(viewer, "/", method="POST", Cookie=cookie)[0] == 501 and ask(viewer, "/" + "a" * 4000, Cookie=cookie)[0] == 403


def test_tiles_are_means_of_pixels(monkeypatch):
    monkeypatch.setattr(served_job, "TILE_PX", 8)
    levels = np.random.default_rng(1).integers(0, 256, (37, 45), dtype=np.uint8)
    levels[:5] = 0
    mask = LayerMask.from_dense(0, levels)
    for level in range(7):
        size = 1 << level
        rows, cols = -(-37 // size), -(-45 // size)
        whole = np.array([[levels[r * size : (r + 1) * size, c * size : (c + 1) * size].mean() for c in range(cols)] for r in range(rows)])
        for row in range(-(-rows // 8)):
            for col in range(-(-cols // 8)):
                tile = tile_levels(mask, level, row, col)
                assert np.array_equal(tile, np.floor(whole[row * 8 : row * 8 + 8, col * 8 : col * 8 + 8] + 0.5))
        with pytest.raises(IndexError):
            tile_levels(mask, level, -(-rows // 8), 0)


def test_layers_are_kept_up_to_a_bound(monkeypatch):
    monkeypatch.setattr(served_job, "KEPT_RUNS", 400)
    served = ServedJob(job_with_exposures("even"))
    for k in (*range(served.job.n_layers), 0):
        assert served.plan(k).index == k
        assert len(served._plans) == 1 or sum(map(served_job._runs, served._plans.values())) <= 400
    assert len(served._plans) < served.job.n_layers


def test_graphs_come_layer_by_layer():
    job = job_with_exposures("even")
    served = ServedJob(job)
    assert served.graphs() == {"layers": [], "whole": False, "values": {}, "damaged": []}
    while served.add_graph_layer():
        pass
    found = served.graphs()
    assert found["whole"] and found["layers"] == list(range(job.n_layers))
    assert found["values"]["time_s"] == pytest.approx([plan.duration_s for plan in job.layers()])
    assert found["values"]["dose"] == pytest.approx(
        [sum(e.repeat * e.dose_mj_cm2 for e in plan.exposures) for plan in job.layers()], rel=1e-6
    )


@pytest.mark.parametrize("error", [JobError("frames/4.png: damaged"), ValueError("broken array")])
def test_a_damaged_layer_leaves_the_graphs_of_others(prepared, error):
    """The page gets the values of all others, which one has none, and that nothing more comes."""
    page, job = prepared
    good = ServedJob(job)
    while good.add_graph_layer():
        pass

    def plan_layer(k, whole=job.layer_source):
        if k == 4:
            raise error
        return dataclasses.replace(whole(k), facts_of=None)  # those of layer 5 follow from layer 4 too

    viewer = Viewer(page, ServedJob(dataclasses.replace(job, plan_layer=plan_layer)))
    viewer.start()
    try:
        viewer._opened = True
        ended = time.monotonic() + 30
        while not viewer.served.graphs()["whole"] and time.monotonic() < ended:
            time.sleep(0.05)
        found, wanted = viewer.served.graphs(), good.graphs()
        assert found["whole"] and not found["damaged"][1:], found["damaged"][:2]
        assert found["layers"] == [k for k in wanted["layers"] if k != 4]
        assert [k for k, _ in found["damaged"]] == [4] and str(error) in found["damaged"][0][1] and wanted["damaged"] == []
        if isinstance(error, JobError):
            assert found["values"]["time_s"] == wanted["values"]["time_s"][:4] + wanted["values"]["time_s"][5:]
    finally:
        viewer.close()


def test_a_port_in_use_is_said():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        job = job_of(np.zeros((1, 4, 4), np.uint8), [0.0])
        with pytest.raises(OutputError, match=f"port {port} .* choose another --port"):
            Viewer(b"", ServedJob(job), port)


def test_the_server_ends_when_the_page_closes(viewer, monkeypatch):
    monkeypatch.setattr(server, "GRACE_S", 0.5)
    cookie = entered(viewer)
    ended = threading.Event()
    threading.Thread(target=lambda: (viewer.wait(), ended.set()), daemon=True).start()
    assert not ended.wait(1.0)  # nobody has come yet
    with socket.create_connection(("127.0.0.1", viewer.port)) as page:
        page.sendall(f"GET /alive HTTP/1.1\r\nHost: 127.0.0.1:{viewer.port}\r\nCookie: {cookie}\r\n\r\n".encode())
        assert page.recv(100).startswith(b"HTTP/1.1 200") and not ended.wait(1.5)
    assert ended.wait(6.0)


def opened(browser, viewer):
    browser.open(viewer.address)
    return browser


def test_the_served_page_reads_as_the_job(browser, viewer):
    job = viewer.served.job
    opened(browser, viewer)
    rng = np.random.default_rng(4)
    places = [(int(rng.integers(job.n_layers)), 0, int(rng.integers(6, 40)), int(rng.integers(8, 50))) for _ in range(30)]
    found = browser.run("const out = []; for (const [k, j, r, c] of w[0]) out.push(await pmsl.readout(k, j, r, c)); return out;", places)
    for (k, j, row, col), shown in zip(places, found, strict=True):
        assert shown["byte"] == job[k].exposures[j].mask.dense(np.uint8)[row, col]
        dose = pmsl.dose_map(job, job[k]).dense()[row, col]
        assert abs(np.float32(shown["total"]) - dose) <= np.spacing(dose)
    browser.run("""
        for (const mode of ['frame', 'dose']) {
          await pmsl.choose({ mode, layer: 4 }); await pmsl.view.draw(); pmsl.whole(); await pmsl.view.draw();
        }
    """)
    browser.wait("document.querySelectorAll('.graph').length >= 2")
    assert browser.errors() == []
    assert all(url.startswith(f"http://127.0.0.1:{viewer.port}/") for url in browser.requests())
    browser.driver.get("about:blank")
    ended = time.monotonic() + 5
    while viewer._pages and time.monotonic() < ended:
        time.sleep(0.1)
    assert viewer._pages == 0


def test_what_failed_is_asked_for_again(browser, prepared, monkeypatch):
    """A layer and a tile that failed once are said, and are there when they are looked at again."""
    page, job = prepared
    viewer = Viewer(page, ServedJob(job))
    viewer.start()
    notes, look = "return document.getElementById('notes').textContent", "await pmsl.setLayer(w[0]); await pmsl.view.draw();"
    try:
        opened(browser, viewer)
        for name, k in (("layer", 0), ("tile", job.n_layers - 1)):
            with monkeypatch.context() as patch:
                patch.setattr(viewer.served, name, mock.Mock(side_effect=JobError(f"{name} is damaged")))
                browser.run(look, k)
                assert f"{name} is damaged" in browser.run(notes)
            browser.run(look, k)
            assert browser.run("return pmsl.shownLayer") == k
        found = browser.run("return await pmsl.readout(w[0], 0, 20, 20)", job.n_layers - 1)
        assert found["byte"] == job[job.n_layers - 1].exposures[0].mask.dense(np.uint8)[20, 20]
        assert not [line for line in browser.errors() if "Uncaught" in line]
    finally:
        viewer.close()


def test_a_damaged_layer_is_said_beside_the_graphs(browser, prepared):
    page, job = prepared

    def plan_layer(k, whole=job.layer_source):
        if k == 0:
            raise JobError("frames/0.png: damaged")
        return whole(k)

    viewer = Viewer(page, ServedJob(dataclasses.replace(job, plan_layer=plan_layer)))
    viewer.start()
    try:
        opened(browser, viewer)
        browser.wait("document.getElementById('notes').textContent.includes('Layer 0: frames/0.png: damaged')")
        assert browser.run("return document.querySelectorAll('.graph').length") >= 2
    finally:
        viewer.close()


@pytest.mark.parametrize("way", ["another port", "another site"])
def test_a_click_on_another_page_opens_the_viewer(browser, viewer, tmp_path, way):
    link = f'<a id="link" href="{viewer.address}">here</a>'
    (tmp_path / "index.html").write_text(link)
    handler = functools.partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with mock.patch.object(SimpleHTTPRequestHandler, "log_message"), ThreadingHTTPServer(("127.0.0.1", 0), handler) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        browser.driver.get(f"http://127.0.0.1:{other.server_port}/" if way == "another port" else f"data:text/html,{link}")
        browser.run("document.getElementById('link').click()")
        browser.wait("window.pmsl && window.pmsl.started")
        other.shutdown()
    assert browser.driver.current_url == f"http://127.0.0.1:{viewer.port}/"


def test_pictures_of_tiles_are_those_of_whole_frames(browser, tmp_path, monkeypatch):
    """Zoomed in and out, tile borders and all: the same canvas, but for the rounding of means."""
    monkeypatch.setattr(served_job, "TILE_PX", 64)
    monkeypatch.setattr("pmsl.report.viewer.view_page.TILE_PX", 64)
    rng = np.random.default_rng(9)
    levels = np.repeat(np.repeat(rng.integers(0, 256, (1, 75, 100), dtype=np.uint8), 4, axis=1), 4, axis=2)
    job = job_of(levels, [1.0], pitch_um=(10.0, 10.0))
    pixels = """
        const pictures = [];
        for (const [x, y, um_per_px] of [[2000, 1500, 10], [1900, 1400, 5], [2000, 1500, 20], [2000, 1500, 40]]) {
          pmsl.view.centre = [x, y]; pmsl.view.um_per_px = um_per_px;
          await pmsl.view.draw();
          const { image } = pmsl.view, out = [];
          for (let i = 0; i < image.data.length; i += 4 * 37) out.push(image.data[i]);
          pictures.push(out);
        }
        return pictures;
    """
    pmsl.report(job, tmp_path / "page.html")
    browser.open((tmp_path / "page.html").as_uri())
    whole = browser.run(pixels)
    viewer = Viewer(view_page(job), ServedJob(job))
    viewer.start()
    try:
        opened(browser, viewer)
        tiled = browser.run(pixels)
    finally:
        viewer.close()
    for i, (a, b) in enumerate(zip(whole, tiled, strict=True)):
        gap = np.abs(np.array(a) - np.array(b))
        assert len(a) == len(b) and len(set(a)) > 20
        assert not gap.any() if i < 2 else gap.mean() < 2  # of means of means a border may lie half a pixel beside


def test_foreign_text_of_a_served_page_does_nothing(browser):
    job = hostile_job()
    viewer = Viewer(view_page(job), ServedJob(job))
    viewer.start()
    try:
        opened(browser, viewer)
        assert browser.run("return document.querySelectorAll('img, iframe').length") == 0
        assert browser.run("return document.getElementById('title').textContent").startswith("</script><script>alert(1)")
        assert browser.errors() == []
    finally:
        viewer.close()
    assert json.loads(ask_json(job))["layers"] is None


def ask_json(job):
    text = view_page(job).decode()
    return text.partition('id="page-data">')[2].partition("</script>")[0]
