"""Where fuzzing begins: for each target some input that is right, or nearly so."""

from __future__ import annotations

SEEDS: dict[str, list[bytes]] = {
    "address": [
        b"rtsp://admin:p@ss:word@192.0.2.1:554/Streaming/Channels/101?x=1#y",
        b"http://[2001:db8::1]:8080/video.mjpg",
        b"rtsps://%75ser:%70@cam.example./a%00b",
        "rtsp://kamera.tokö.example/①".encode(),
    ],
    "rtsp": [
        b"\x20RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 4\r\n\r\nabcd$\x00\x00\x02xy"
        b"RTSP/1.0 401 U\r\n"
        b'WWW-Authenticate: Digest realm="x", nonce="y", algorithm=SHA-256, qop="auth"\r\n\r\n',
        b"\x05OPTIONS * RTSP/1.0\nCSeq: 9\n\n",
    ],
    "http": [
        b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n--x\r\n",
        b'HTTP/1.0 401\r\nWWW-Authenticate: Basic realm="a\\"b"\r\n\r\n',
    ],
    "sdp": [
        b"v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\nm=audio 0 RTP/AVP 0\r\nm=video 0 RTP/AVP 96\r\n"
        b"a=rtpmap:96 H264/90000\r\na=fmtp:96 sprop-parameter-sets=Z0IAKeKQFAe2,aM48gA==\r\n",
        b"v=0\nm=video 0 RTP/AVP 26\n",
    ],
    "digest": [
        b"Digest " + b"a" * 60_000,
        b'Digest realm="cam\\"era", nonce="abc", opaque="x", stale=TRUE, qop="auth,auth-int"',
        b'Basic realm="x", Digest realm=y, nonce=z, algorithm=MD5-sess',
    ],
    "hls": [
        b"#EXTM3U\n#EXT-X-KEY:" + b"A" * 60_000,
        b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=1920x1080\nhi.m3u8\n",
        b'#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:METHOD=AES-128,URI="http://127.0.0.1/k",IV=0x1\n'
        b'#EXT-X-MAP:URI="a.mp4",BYTERANGE="5@0"\n#EXTINF:2.0,file:///etc/passwd\n../s.ts\n',
    ],
    "location": [
        b"-6.1534, 106.7981",
        "6°09'12.2\"S 106°47'53.2\"E".encode(),
        b"https://www.google.com/maps/place/X/@-6.15,106.79,17z/data=!3m1!4b1!3d-6.15!4d106.79",
        b"https://www.openstreetmap.org/?mlat=-6.1&mlon=106.7#map=1/2/3",
        b"geo:-6.15,106.79?q=x",
        b"6P58RQWX+J6 Tambora",
    ],
    "times": [
        b"kemarin 21.00 sampai 23.00 serta Senin malam 1-2",
        b"2 jam lalu",
        b"31/12/2025 23:30 - 00:30; 14 November pukul 7 pagi",
        b"last 90 minutes",
    ],
    "table": [
        b"nama;telepon;lat;lon;arah;jenis\nIbu Sari;081255501234;-6,1534;106,7981;tenggara;toko\n",
        b'name,phone,location\n"a\nb",+62 812,"-6.15, 106.79"\n',
        b"\xef\xbb\xbfnama\tkoordinat\nx\t106.79 -6.15\n",
    ],
    "tus": [b"filename a2VtYXJpbi5tcDQ=,filetype dmlkZW8vbXA0", b"sha256 AAAA", b"filename w6k="],
    "archive": [
        b"PK\x03\x04" + b"\0" * 26 + b"PK\x01\x02" + b"\0" * 42 + b"PK\x05\x06" + b"\0" * 18
    ],
}
