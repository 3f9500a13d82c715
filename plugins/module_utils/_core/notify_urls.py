# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to this collection: may change without notice.
"""The form of apprise's URLs, for preflight, which has no apprise, and for the host. A URL is a secret as a whole."""

from __future__ import annotations

import re
import typing as t

URL = re.compile(r"([a-z][a-z0-9]*)://[^\s/]\S*", re.IGNORECASE)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Of apprise 1.9.3, which Debian 13 has, without those of a desktop (dbus, kde, macosx …).
SCHEMES = _words(
    "apprise apprises aprs atalk azure bark barks bluesky bsky bulksms bulkvs burstsms chanify clicksend d7sms"
    " dapnet dingtalk discord emby embys enigma2 enigma2s fcm feishu flock form forms freemobile gchat gotify"
    " gotifys growl guilded hassio hassios httpsms ifttt join json jsons kavenegar kodi kodis kumulos lametric"
    " lametrics line lsea lseas lunasea lunaseas mailgun mailto mailtos mastodon mastodons matrix matrixs"
    " misskey misskeys mmost mmosts mqtt mqtts msg91 msgbird msteams ncloud nclouds nctalk nctalks nexmo notica"
    " noticas notifiarr notifico ntfy ntfys o365 onesignal opsgenie pagerduty pagertree parsep parseps pbul pjet"
    " pjets plivo popcorn pover prowl psafer psafers push pushdeer pushdeers pushed pushme pushy reddit resend"
    " revolt rocket rockets rsyslog ryver schan sendgrid ses seven sfr signal signals sinch slack smseagle"
    " smseagles smsmanager smsmgr smtp2go sns sparkpost splunk spush strmlabs synology synologys syslog tgram"
    " threema toot toots tweet twilio twist twitter victorops voipms vonage webex wecombot whatsapp workflow"
    " workflows wxpusher wxteams x xbmc xbmcs xml xmls zulip"
)
# Addresses of a service's own web hooks, which apprise converts, such as https://discord.com/api/webhooks/…
WEB_HOOK = "https"


def shown(number: int, url: t.Any) -> str:
    """Return how a URL is named in messages: by its place in the list and its scheme, which is not secret."""
    found = URL.match(url) if isinstance(url, str) else None
    scheme = found.group(1).lower() if found else ""
    known = scheme in SCHEMES or scheme == WEB_HOOK
    return f"entry {number} ({scheme}://…)" if known else f"entry {number}"


def fault(url: t.Any) -> str:
    """Return what is wrong with the form of a URL, without its content; empty for nothing."""
    if not isinstance(url, str) or not url.strip():
        return "it is empty or not a text"
    found = URL.fullmatch(url)
    if found is None:
        return "it does not have the form scheme://…, without blanks"
    if found.group(1).lower() not in {*SCHEMES, WEB_HOOK}:
        return "apprise does not know its scheme, which is the part before ://"
    return ""
