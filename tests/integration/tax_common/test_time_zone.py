"""The setting TZ is checked against the time zones of the operating system."""

import pytest

from tax_common.settings_reader import Reader, SettingsError


@pytest.mark.parametrize("zone", ["", "UTC", "Europe/Paris", ":Europe/Paris", "CET-1CEST,M3.5.0,M10.5.0/3", "<+03>-3"])
def test_time_zones_of_the_c_library_are_accepted(zone: str) -> None:
    """A name of a time zone or a POSIX rule is accepted."""
    Reader({"TZ": zone}).check_time_zone("TZ")


@pytest.mark.parametrize("zone", ["Mars/Phobos", "Paris", "Europe", "Europe/Paris;", "+2", "../zone", "UTC+25"])
def test_an_unknown_time_zone_is_named(zone: str) -> None:
    """An unknown time zone, which the C library would replace by UTC, is rejected by name."""
    with pytest.raises(SettingsError) as caught:
        Reader({"TZ": zone}).check_time_zone("TZ")
    assert f"TZ is [{zone}]; expected a time zone such as Europe/Paris" == str(caught.value)


@pytest.mark.parametrize("zone", ["/etc/passwd", "zone.tab", " Europe/Paris", "Europe/Paris "])
def test_text_that_the_c_library_does_not_understand_is_named(zone: str) -> None:
    """A file without a time zone, and a name between blanks, are rejected, because the C library would use UTC."""
    test_an_unknown_time_zone_is_named(zone)
