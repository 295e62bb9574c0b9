"""`./task check:security`: what can be found without running anything: `python -m tests.security_check [--advisories]`.

1. bandit over the code that ships: what it calls severe. (ruff's S rules, which are bandit's own, find the rest in
   `./task check`, where each exception has its reason on the line.)
2. Secrets in the files git knows: by detect-secrets' detectors of known forms (private keys, cloud and service tokens,
   JSON Web Tokens, our own keys); a line that must hold one says `pragma: allowlist secret` with a reason.
3. Dependencies: every lock pins each package to one version with hashes, and what is installed is what is locked.
   Known vulnerabilities need an advisory service: only `--advisories` asks one (pip-audit, PyPI's), and without it
   that part is said to be open.
"""

import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)
_DETECTORS = (
    "AWSKeyDetector",
    "AzureStorageKeyDetector",
    "DiscordBotTokenDetector",
    "GitHubTokenDetector",
    "GitLabTokenDetector",
    "JwtTokenDetector",
    "NpmDetector",
    "OpenAIDetector",
    "PrivateKeyDetector",
    "PypiTokenDetector",
    "SendGridDetector",
    "SlackDetector",
    "StripeDetector",
    "TwilioKeyDetector",
)
_OURS = re.compile(r"\bsl[ps]_[A-Za-z0-9_-]{43}\b")
# Files whose lines have no room for a comment, and why a secret stands there.
_MADE_UP = {"tests/corpus/keys.ndjson": "keys that no catalog knows"}
_ALLOWED = "pragma: allowlist secret"
_MOST_BYTES = 2_000_000


def main(arguments: list[str]) -> int:
    """Run all parts; 1 where one found something."""
    found = [*code(), *secrets(), *locks()]
    if "--advisories" in arguments:
        found += advisories()
    else:
        sys.stdout.write("advisories: not asked (`./task check:security --advisories` asks PyPI's service)\n")
    for fault in found:
        sys.stdout.write(f"{fault}\n")
    sys.stdout.write(f"{len(found)} found\n")
    return 1 if found else 0


def code() -> list[str]:
    """What bandit calls severe in the code that ships."""
    command = [sys.executable, "-m", "bandit", "-q", "-lll", "-r", "functions", "shared", "-c", "pyproject.toml"]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    return [] if done.returncode == 0 else [f"bandit:\n{done.stdout}{done.stderr}"]


def secrets() -> list[str]:
    """Lines of files in git that hold a secret of a known form."""
    from detect_secrets.core.scan import scan_line
    from detect_secrets.settings import transient_settings

    found = []
    with transient_settings({"plugins_used": [{"name": name} for name in _DETECTORS]}):
        for path in _files():
            for number, line in enumerate(_lines(path), 1):
                if _ALLOWED not in line and (_OURS.search(line) or any(scan_line(line))):
                    found.append(f"secret: {path.relative_to(ROOT)}:{number}")
    return found


def locks() -> list[str]:
    """Locked packages without a hash, and installed ones that differ from the lock."""
    found = []
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        entries = re.split(r"\n(?=[A-Za-z0-9])", lock.read_text(encoding="utf-8"))
        bare = [entry.split()[0] for entry in entries if _PINNED.match(entry) and "--hash=sha256:" not in entry]
        found += [f"lock: {lock.name}: {name} has no hash" for name in bare]
    locked: dict[str, set[str]] = {}  # one version for each kind of platform
    for name, version in _PINNED.findall((ROOT / "requirements/development.txt").read_text(encoding="utf-8")):
        locked.setdefault(name, set()).add(version)
    for name, versions in locked.items():
        try:
            installed = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # of another platform
        if installed not in versions:
            found.append(f"lock: {name} {installed} is installed, {' or '.join(versions)} is locked")
    return found


def advisories() -> list[str]:
    """Known vulnerabilities of what is locked, as PyPI's advisory service knows them."""
    lock = "requirements/development.txt"
    command = [
        sys.executable,
        "-m",
        "pip_audit",
        "-r",
        lock,
        "--require-hashes",
        "--disable-pip",
        "--progress-spinner=off",
    ]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    return [] if done.returncode == 0 else [f"advisories:\n{done.stdout}{done.stderr}"]


def _files() -> Iterator[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],  # noqa: S607 (whichever git is there)
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if name not in _MADE_UP and path.is_file() and path.stat().st_size <= _MOST_BYTES:
            yield path


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
