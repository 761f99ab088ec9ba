#!/usr/bin/env python3
"""Writes the frozen vectors of this folder to the folder named in the argument: by the descriptions in src/core/privacy and
src/core/audit alone, with other libraries (pip install cryptography argon2-cffi), so that the program isn't checked against
itself. The files here are never written again: a stored format that changes gets the next version and a folder of its own.
"""
import base64
import hashlib
import hmac
import json
import pathlib
import struct
import sys
import uuid

from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

OUT = pathlib.Path(sys.argv[1])
CIPHERS = {"aes-256-gcm": (1, AESGCM), "chacha20-poly1305": (2, ChaCha20Poly1305)}
TENANT = uuid.UUID(int=0x7E)
NIL = uuid.UUID(int=0)


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def mac(key, *parts):
    return hmac.new(key, b"".join(parts), hashlib.sha256).digest()


def derive(secret, label, detail=b""):
    """One block of HKDF-SHA256's expand step."""
    return mac(secret, b"kluis 1 ", label.encode(), b"\0", detail, b"\1")


def frame(*fields):
    return b"".join(struct.pack(">I", len(field)) + field for field in fields)


def some(name, length=32):
    """Bytes that look like nothing, always the same ones."""
    return hashlib.shake_256(b"kluis frozen v1 " + name.encode()).digest(length)


# --- keys as people write them
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def text(prefix, data):
    plain = base64.b32encode(data).decode().rstrip("=")
    groups = []
    for at in range(0, len(plain), 4):
        carried = plain[at : at + 4]
        check = sha(prefix.encode(), struct.pack(">Q", at // 4), carried.encode())[0] & 31
        groups.append(carried + ALPHABET[check])
    whole = sha(b"kluis key text", prefix.encode(), data)
    groups.append("".join(ALPHABET[byte & 31] for byte in whole[:5]))
    return prefix + "-".join(groups)


# --- wrapped keys
def wrap(parent, algorithm, place, secret, name):
    code, cipher = CIPHERS[algorithm]
    tenant, kind, key_id, version, parent_version = place
    nonce = some("nonce " + name, 12)
    aad = b"kluis wrapped key" + bytes([1, code])
    aad += frame(tenant.bytes, kind.encode(), key_id, struct.pack(">I", version), struct.pack(">I", parent_version))
    sealed = cipher(derive(parent, "wrap", algorithm.encode())).encrypt(nonce, secret, aad)
    return bytes([1, code]) + nonce + sealed + derive(secret, "commitment")


# --- sealed values
def bucket(length):
    size = 32
    while size < length + 1 and size < 512:
        size *= 2
    return size if length < size else -(-(length + 1) // 512) * 512


def seal(key, place, plain, name):
    algorithm, secret, key_id, key_version = key
    code, cipher = CIPHERS[algorithm]
    revision, schema = struct.pack(">q", place["revision"]), struct.pack(">H", place["schema"])
    header = bytes([1, code]) + key_id + struct.pack(">I", key_version) + revision + schema
    ids = {field: uuid.UUID(place[field]).bytes for field in ("tenant", "row", "subject")}
    fields = (ids["tenant"], place["table"].encode(), place["part"].encode(), ids["row"], ids["subject"], revision, schema)
    padded = (plain + b"\x80").ljust(bucket(len(plain)), b"\0")
    nonce = some("nonce " + name, 12)
    aad = b"kluis sealed value" + header + frame(*fields)
    return header + nonce + cipher(derive(secret, "seal", algorithm.encode())).encrypt(nonce, padded, aad)


def row_mac(key, table, tenant, row, columns, name):
    algorithm, secret, key_id, key_version = key
    code, cipher = CIPHERS[algorithm]
    message = b"kluis row" + frame(table.encode(), tenant.bytes, row.bytes, key_id)
    for label, kind, value in columns:
        message += frame(label.encode()) + kind.encode() + bytes([value is not None]) + frame(value or b"")
    nonce = some("nonce " + name, 12)
    tag = cipher(derive(secret, "seal", algorithm.encode())).encrypt(nonce, b"", message)
    return bytes([code]) + key_version.to_bytes(3, "big") + nonce + tag


# --- a whole key store
def record(root, version, recovery, passphrase):
    def slot(parent, kind, key_id):
        return wrap(parent, "aes-256-gcm", (NIL, kind, key_id, version, 0), root, kind).hex()

    recovery_id, salt = some("recovery id", 16), some("salt", 16)
    stretched = hash_secret_raw(passphrase.encode(), salt, 3, 131072, 1, 32, Type.ID, 0x13)
    return {
        "version": version,
        "check": derive(root, "root check", struct.pack(">I", version)).hex(),
        "recovery": {"id": recovery_id.hex(), "wrapped": slot(recovery, "recovery slot", recovery_id)},
        "passphrase": {
            "salt": salt.hex(),
            "memoryKib": 131072,
            "passes": 3,
            "wrapped": slot(stretched, "passphrase slot", salt),
        },
    }


def key_store():
    root, recovery, version = some("root"), some("recovery"), 2
    passphrase = "correct horse battery staple"
    kinds = [(NIL, "system", 1), (NIL, "data", 1), (TENANT, "wrap", 1), (TENANT, "wrap", 2), (TENANT, "index", 1)]
    kinds += [(TENANT, "audit", 1), (TENANT, "data", 1), (TENANT, "data", 2)]
    secrets, tenant_keys = {}, []
    for at, (tenant, kind, number) in enumerate(kinds):
        name = f"{tenant.int} {kind}"
        key_id, secret = some("id " + name, 16), some(f"key {name} {number}")
        secrets[tenant, kind, number] = (key_id, secret)
        algorithm = list(CIPHERS)[at % 2]
        wrapped = wrap(root, algorithm, (tenant, kind, key_id, number, version), secret, f"{name} {number}")
        tenant_keys.append(
            {"tenant": str(tenant), "kind": kind, "version": number, "id": key_id.hex(), "rootVersion": version,
             "wrapped": wrapped.hex()}
        )
    subject_id, subject_keys, subject_secrets = some("subject id", 16), [], {}
    for number, algorithm in ((1, "chacha20-poly1305"), (2, "aes-256-gcm")):
        subject_secrets[number] = some(f"subject {number}")
        place = (TENANT, "subject", subject_id, number, number)
        wrapped = wrap(secrets[TENANT, "wrap", number][1], algorithm, place, subject_secrets[number], f"subject {number}")
        subject_keys.append({"id": subject_id.hex(), "version": number, "wrapVersion": number, "wrapped": wrapped.hex()})

    def value(of, key_version, secret, key_id, algorithm, part):
        place = {"tenant": str(TENANT), "table": "customers", "part": part, "row": str(uuid.UUID(int=1)),
                 "subject": str(uuid.UUID(int=2)), "revision": 3, "schema": 1}
        plain = json.dumps(f"voorbeeld {part}").encode()
        sealed = seal((algorithm, secret, key_id, key_version), place, plain, f"{of} {part} {key_version}")
        return {"key": of, **place, "plain": plain.decode(), "sealed": sealed.hex()}

    data_id, system_id = secrets[TENANT, "data", 1][0], secrets[NIL, "data", 1][0]
    user_secret = derive(secrets[NIL, "data", 1][1], "system data", b"user data")
    values = [
        value("subject", 1, subject_secrets[1], subject_id, "chacha20-poly1305", "identity"),
        value("subject", 2, subject_secrets[2], subject_id, "aes-256-gcm", "contact"),
        value("tenant", 1, secrets[TENANT, "data", 1][1], data_id, "chacha20-poly1305", "text"),
        value("tenant", 2, secrets[TENANT, "data", 2][1], data_id, "aes-256-gcm", "text"),
        value("user data", 1, user_secret, system_id, "aes-256-gcm", "totp"),
    ]
    indexes = [{"field": "email", "version": 1, "bits": 15}, {"field": "email", "version": 2, "bits": 12}]
    index_key, hashes = secrets[TENANT, "index", 1][1], []
    fields = ["phone", "iban", "postcode_house", "external_id", "kvk", "vat_number"]
    for index in indexes + [{"field": field, "version": 1, "bits": 15} for field in fields]:
        detail = index["field"].encode() + b"\0" + struct.pack(">I", index["version"])
        tag = mac(derive(index_key, "blind index", detail), b"voorbeeld@example.org")
        cut = int.from_bytes(tag[:4], "big") >> (32 - index["bits"])
        hashes.append({"field": index["field"], "version": index["version"], "hash": (index["version"] << 32) | cut})
    labels = ["token", "password", "cursor", "user e-mail", "client address", "idempotency", "user data"]
    system_key = secrets[NIL, "system", 1][1]
    macs = [{"label": label, "mac": mac(derive(system_key, "system", label.encode()), b"message").hex()} for label in labels]
    subject = uuid.UUID(int=2)
    return {
        "root": text("KLUIS-ROOT-", root),
        "recovery": text("KLUIS-RECOVERY-", recovery),
        "passphrase": passphrase,
        "record": record(root, version, recovery, passphrase),
        "tenantKeys": tenant_keys,
        "subjectKeys": subject_keys,
        "indexVersions": indexes,
        "values": values,
        "blind": {"normalised": "voorbeeld@example.org", "hashes": hashes},
        "macs": {"message": "message", "macs": macs},
        "auditHash": {
            "subject": str(subject),
            "hash": mac(derive(secrets[TENANT, "audit", 1][1], "audit subject"), subject.bytes)[:16].hex(),
        },
    }


def rows():
    cases = []
    for algorithm in CIPHERS:
        secret, key_id = some("row secret"), some("row key", 16)
        key, row = (algorithm, secret, key_id, 5), uuid.UUID(int=9)
        place = {"tenant": str(TENANT), "table": "customers", "part": "identity", "row": str(row),
                 "subject": str(row), "revision": 3, "schema": 1}
        # Longer than 512 bytes: the buckets that grow by a step.
        plain = json.dumps("v" * 600).encode()
        sealed = seal(key, place, plain, "row " + algorithm)
        fingerprint = sealed[32:44] + sealed[-16:]
        columns = [("hash", "b", b"\1\2\3"), ("status", "t", b"active"), ("revision", "i", struct.pack(">q", 3)),
                   ("hold", "f", b"\1"), ("owner", "u", TENANT.bytes), ("identity", "s", fingerprint), ("none", "t", None)]
        mac_bytes = row_mac(key, "customers", TENANT, row, columns, "mac " + algorithm)
        cases.append({"algorithm": algorithm, "secret": secret.hex(), "keyId": key_id.hex(), "keyVersion": 5,
                      "place": place, "plain": plain.decode(), "sealed": sealed.hex(), "mac": mac_bytes.hex()})
    return cases


def audit():
    def put(*fields):
        return b"".join(struct.pack(">Q", len(field)) + field for field in fields)

    link, chain = bytes(32), []
    for seq, full in ((1, True), (2, False)):
        subjects, record_id = (some("a", 16) + some("b", 16), uuid.UUID(int=5)) if full else (b"", None)
        detail = {"count": 3, "key": "root", "names": ["a", "b"]} if full else {}
        event = {
            "id": str(uuid.UUID(int=100 + seq)), "at": 1_790_000_000_123_456, "tenant": str(TENANT),
            "owner": str(uuid.UUID(int=8)) if full else None, "actor": "usr_1" if full else "", "channel": "api",
            "request": "req" if full else "", "class": "read" if full else "security", "action": "customer.read",
            "entity": "customer", "record": str(record_id) if full else None, "subjects": subjects.hex(),
            "compartments": 5 if full else 0, "purpose": "contract" if full else "",
            "outcome": "allowed" if full else "denied", "detail": json.dumps(detail, separators=(",", ":")),
        }
        facts = put(
            uuid.UUID(event["id"]).bytes, struct.pack(">q", event["at"]), TENANT.bytes,
            uuid.UUID(event["owner"]).bytes if full else b"",
            *(event[field].encode() for field in ("actor", "channel", "request", "class", "action", "entity")),
            record_id.bytes if full else b"", subjects, struct.pack(">q", event["compartments"]),
            *(event[field].encode() for field in ("purpose", "outcome", "detail")),
        )
        leaf = sha(b"\0", put(struct.pack(">q", seq))[:8], struct.pack(">q", seq), facts)
        link = sha(b"\1", link, leaf)
        chain.append({"seq": seq, "event": event, "leaf": leaf.hex(), "link": link.hex()})
    return chain


# --- shares of a recovery secret
def times(a, b):
    product = 0
    while b:
        product ^= a if b & 1 else 0
        a, b = (a << 1) ^ (0x11B if a & 0x80 else 0), b >> 1
    return product


def shares():
    root, secret, version, threshold, count = some("shares root"), some("shares secret"), 7, 3, 5
    made, the_set = 1_790_000_000_123_456, bytes([0xAB, 0xCD, 0xE0])
    coefficients = [secret] + [some(f"coefficient {power}") for power in range(1, threshold)]
    texts, prints = [], []
    for number in range(1, count + 1):
        part = bytearray(32)
        for at in range(32):
            power = 1
            for coefficient in coefficients:
                part[at] ^= times(coefficient[at], power)
                power = times(power, number)
        header = the_set + bytes([threshold, number])
        texts.append(text("KLUIS-SHARE-", header + part))
        prints.append(derive(bytes(part), "share print", header)[:16])
    public = X25519PrivateKey.from_private_bytes(derive(secret, "shares private")).public_key().public_bytes_raw()
    facts = b"kluis shares" + frame(the_set, bytes([threshold]), struct.pack(">q", made), public, *prints)
    key_id, mixer = sha(facts)[:16], derive(secret, "shares mixer")
    once = X25519PrivateKey.from_private_bytes(some("ephemeral"))
    ephemeral = once.public_key().public_bytes_raw()
    extracted = mac(mixer, once.exchange(X25519PublicKey.from_public_bytes(public)))
    parent = derive(extracted, "shares slot", ephemeral + public)
    slot = {
        "set": the_set.hex(), "threshold": threshold, "made": made, "public": public.hex(),
        "prints": [one.hex() for one in prints],
        "mixer": wrap(root, "aes-256-gcm", (NIL, "shares mixer", key_id, version, version), mixer, "mixer").hex(),
        "ephemeral": ephemeral.hex(),
        "wrapped": wrap(parent, "aes-256-gcm", (NIL, "shares slot", key_id, version, 0), root, "shares slot").hex(),
    }
    check = derive(root, "root check", struct.pack(">I", version)).hex()
    record = {"version": version, "check": check, "recovery": None, "passphrase": None, "shares": slot}
    return {"root": text("KLUIS-ROOT-", root), "shares": texts, "record": record}


def write(name, value):
    (OUT / name).write_text(json.dumps(value, indent=1) + "\n")


write("store.json", key_store())
write("rows.json", rows())
write("audit.json", audit())
write("shares.json", shares())
