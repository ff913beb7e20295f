"""TLS in front of a server that has none: a certificate of its own authority, and a gate that ends the encryption."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ASKED = b"\0\0\0\x08\x04\xd2\x16/"  # PostgreSQL's SSLRequest, which comes before anything else
_DAY = dt.timedelta(days=1)


def authority(folder: Path, name: str, host: str) -> tuple[Path, Path]:
    """Makes an authority and a certificate of it for a host or address; the files of its root and of the server."""
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    root = _builder(issuer, issuer, root_key.public_key())
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        alternative = x509.DNSName(host)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    made = _builder(subject, issuer, key.public_key())
    made = made.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
    roots, served = folder / f"{name}-root.pem", folder / f"{name}-server.pem"
    pem = serialization.Encoding.PEM
    roots.write_bytes(root.sign(root_key, hashes.SHA256()).public_bytes(pem))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    served.write_bytes(made.sign(root_key, hashes.SHA256()).public_bytes(pem) + key.private_bytes(pem, *plain))
    return roots, served


@contextmanager
def gate(served: Path, port: int) -> Iterator[int]:
    """A port of this machine where a server's port is reached by TLS, as PostgreSQL's clients ask for it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(served)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_accept, args=(listening, context, port), daemon=True).start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    return made.serial_number(x509.random_serial_number()).not_valid_before(now - _DAY).not_valid_after(now + _DAY)


def _accept(listening: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with suppress(OSError):
        while True:
            threading.Thread(target=_serve, args=(listening.accept()[0], context, port), daemon=True).start()


def _serve(client: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with suppress(OSError), client:
        if client.recv(8, socket.MSG_WAITALL) != ASKED:
            return
        client.sendall(b"S")
        with (
            context.wrap_socket(client, server_side=True) as safe,
            socket.create_connection(("127.0.0.1", port)) as server,
        ):
            back = threading.Thread(target=_pass, args=(server, safe), daemon=True)
            back.start()
            _pass(safe, server)
            back.join()


def _pass(source: socket.socket, into: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            into.sendall(data)
    with suppress(OSError):
        into.shutdown(socket.SHUT_WR)
