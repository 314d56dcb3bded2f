#!/usr/bin/python3
"""
A real RTSP camera on loopback: Debian's gst-rtsp-server.

    rtsp_server.py CODEC AUTH USER PATH [--width 1280 --height 720 --fps 15 --pattern ...]

CODEC is h264, h265, mjpeg or jpeg2000 (which no check can read); AUTH is none, basic or
digest. The password is one line on stdin. Prints its port once it listens, and ends with
stdin. It is run by the system's interpreter, the only one that has `gi`.
"""

import argparse
import sys
import threading

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtsp", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtsp, GstRtspServer  # noqa: E402

ENCODERS = {
    "h264": "x264enc tune=zerolatency speed-preset=ultrafast bitrate=2500 key-int-max=15"
    " ! video/x-h264,profile=baseline ! rtph264pay name=pay0 pt=96 config-interval=1",
    "h265": "x265enc tune=zerolatency speed-preset=ultrafast bitrate=2500 key-int-max=15"
    # with threads, which wait for one another, it makes two pictures a second on a busy machine;
    # one block size and a coarse picture take half the time
    " option-string=pools=none:frame-threads=1:no-wpp=1:ctu=16:min-cu-size=16:crf=40"
    " ! rtph265pay name=pay0 pt=96 config-interval=1",
    "mjpeg": "jpegenc quality=60 ! rtpjpegpay name=pay0 pt=26",
    "jpeg2000": "openjpegenc ! rtpj2kpay name=pay0 pt=96",
}


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("codec", choices=ENCODERS)
    parser.add_argument("auth", choices=["none", "basic", "digest"])
    parser.add_argument("user")
    parser.add_argument("path")
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--fps", type=int, default=15)
    parser.add_argument("--pattern", default="zone-plate kx2=12 ky2=12 kt=2")
    return parser.parse_args()


def pipeline(chosen):
    caps = f"video/x-raw,format=I420,width={chosen.width},height={chosen.height}"
    return (
        f"( videotestsrc is-live=true pattern={chosen.pattern}"
        f" ! {caps},framerate={chosen.fps}/1 ! {ENCODERS[chosen.codec]} )"
    )


def protect(server, factory, chosen, password):
    """Ask for a password, by the one method chosen."""
    auth = GstRtspServer.RTSPAuth()
    token = GstRtspServer.RTSPToken()
    token.set_string("media.factory.role", "viewer")
    if chosen.auth == "basic":
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(chosen.user, password), token)
    else:
        auth.set_supported_methods(GstRtsp.RTSPAuthMethod.DIGEST)
        auth.add_digest(chosen.user, password, token)
    server.set_auth(auth)
    permissions = GstRtspServer.RTSPPermissions()
    permissions.add_permission_for_role("viewer", "media.factory.access", True)
    permissions.add_permission_for_role("viewer", "media.factory.construct", True)
    factory.set_permissions(permissions)


def running(factory, port, path):
    """The camera's picture, made before anybody asks: on a busy machine that takes seconds."""
    _, url = GstRtsp.rtsp_url_parse(f"rtsp://127.0.0.1:{port}{path}")
    media = factory.construct(url)
    threads, nobody = GstRtspServer.RTSPThreadPool(), GstRtspServer.RTSPContext()
    media.prepare(threads.get_thread(GstRtspServer.RTSPThreadType.MEDIA, nobody))
    if media.get_status() != GstRtspServer.RTSPMediaStatus.PREPARED:  # it waits for that
        sys.exit("the picture cannot be made")
    return media


def main():
    chosen = arguments()
    password = sys.stdin.readline().rstrip("\n")
    Gst.init(None)
    loop = GLib.MainLoop()
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(pipeline(chosen))
    factory.set_shared(True)
    if chosen.auth != "none":
        protect(server, factory, chosen, password)
    server.get_mount_points().add_factory(chosen.path, factory)
    server.attach(None)
    port = server.get_bound_port()
    media = running(factory, port, chosen.path)  # noqa: F841 - for as long as it is held
    print(port, flush=True)  # noqa: T201 - its one line of output
    threading.Thread(target=lambda: (sys.stdin.read(), loop.quit()), daemon=True).start()
    loop.run()


if __name__ == "__main__":
    main()
