"""The meaning of a mail server's reply: whether it concerns the session or the mail."""

import re
import smtplib
from collections.abc import Mapping

Reply = tuple[int, str]  # the code, and the server's words with the code

# Replies about the greeting, the commands, the encryption or the login (RFC 5321, 4.2.2, and RFC 4954, 6).
SESSION_CODES = {221, 421, 502, 503, 521, 523, 524, 525, 530, 534, 535, 538}
# Servers also use other codes for such replies, often only at MAIL or RCPT. Then the words show the meaning.
ABOUT_SESSION = re.compile(
    r"\b5\.7\.(?:8|9|10|11|12|13|25)\b|\b(?:helo|ehlo)\b|fully.?qualified|host ?name|authenti|log(?:ged)? ?in\b"
    r"|tls\b|encrypt|relay|client (?:host|\[)|\bptr\b|reverse dns",
    re.IGNORECASE,
)
ABOUT_MAIL = re.compile(
    r"(?:sender|recipient) address(?!.*(?:not logged in|authentication required))|\b(?:dmarc|dkim|spf)\b",
    re.IGNORECASE,
)


def is_about_session(reply: Reply) -> bool:
    """Return whether the reply concerns the session, so that the server would refuse every mail in this way."""
    code, words = reply
    if code in SESSION_CODES:
        return True
    is_about_mail = code < 500 or ABOUT_MAIL.search(words)
    return not is_about_mail and (code == 504 or bool(ABOUT_SESSION.search(words)))


def is_refusal(reply: Reply) -> bool:
    """Return whether the reply permanently refuses the mail."""
    return 500 <= reply[0] <= 599 and not is_about_session(reply)


def decode_reply(code: int, words: bytes | str) -> Reply:
    """Return the reply with its words in one line."""
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return code, " ".join(f"{code} {text}".split())


def list_replies(error: Exception) -> dict[str, Reply]:
    """Return the replies in an error of smtplib, by recipient. If the error is about no recipient, the key is empty."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return {recipient: decode_reply(*reply) for recipient, reply in error.recipients.items()}
    if isinstance(error, smtplib.SMTPResponseException):
        return {"": decode_reply(error.smtp_code, error.smtp_error)}
    return {}


def format_replies(replies: Mapping[str, Reply]) -> str:
    """List the replies, each with its recipient."""
    return "; ".join(f"{recipient}: {words}" if recipient else words for recipient, (_, words) in replies.items())


def describe_error(error: Exception) -> str:
    """Describe an error with the server's own words, if there are any."""
    return f"{type(error).__name__}: {format_replies(list_replies(error)) or error}"
