"""HTTPS servers for the tests, with certificates made by openssl."""

import http.server
import json
import ssl
import subprocess
import threading
from pathlib import Path
from urllib.parse import parse_qs

GOOD = {"status": "success", "data": {"resultType": "matrix", "result": []}}


class Authority:
    """A certificate authority in a folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.ca = folder / "ca.crt"
        self._run(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"),
            # Python 3.13 trusts no authority that does not say what its key is for (RFC 5280, 4.2.1.3).
            *("-addext", "keyUsage=critical,keyCertSign,cRLSign"),
            *("-subj", "/CN=davy tests", "-keyout", folder / "ca.key", "-out", self.ca),
        )

    def _run(self, *words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    def signed(self, name, names="", into=None):
        """Certificate and key; `names` for a server, none for a client."""
        crt, key = (Path(f"{into or self.folder / name}.{end}") for end in ("crt", "key"))
        usage = "serverAuth" if names else "clientAuth"
        said = self.folder / f"{name}.ext"
        keys = "authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n"
        said.write_text(f"{keys}extendedKeyUsage={usage}\n" + (f"subjectAltName={names}\n" if names else ""))
        request = self.folder / f"{name}.csr"
        self._run(
            *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-subj", f"/CN={name}", "-keyout", key, "-out", request),
        )
        self._run(
            *("x509", "-req", "-days", "2", "-in", request, "-CA", self.ca, "-CAkey", self.folder / "ca.key"),
            *("-CAcreateserial", "-extfile", said, "-out", crt),
        )
        return str(crt), str(key)


class Server:
    """Answers every request by `answer(request)`: a status, a body and perhaps headers; keeps what was asked."""

    def __init__(self, certificate=None, client_ca=None):
        self.asked = []
        self.answer = lambda request: (200, GOOD)
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 2**16  # Head and body in one segment; in two, each answer waits for a delayed acknowledgement.

            def do_POST(self):
                self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.form = {key: value[0] for key, value in parse_qs(self.body.decode()).items()}
                self.peer = self.connection.getpeercert() if certificate else None
                outer.asked.append(self)
                status, body, *more = outer.answer(self)
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in (more[0] if more else {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_GET(self):
                self.do_POST()

            def log_message(self, *args):
                pass

        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request, client_address):
                pass

        self.server = Quiet(("127.0.0.1", 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            if client_ca:
                context.load_verify_locations(client_ca)
                context.verify_mode = ssl.CERT_REQUIRED
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
