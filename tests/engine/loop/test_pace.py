"""How time is shared between new media and running sequences."""

from molmo2_engine.loop.pace import Pace


def test_running_sequences_get_their_share_after_a_prefill():
    pace = Pace(decode_share=0.5)
    pace.prefilled(2.0)
    assert not pace.may_prefill(running=3)
    pace.decoded(0.6)
    assert not pace.may_prefill(running=3)
    pace.decoded(0.4)
    assert pace.may_prefill(running=3)


def test_nothing_is_owed_where_nothing_runs():
    pace = Pace(decode_share=0.5)
    pace.prefilled(2.0)
    assert pace.may_prefill(running=0)


def test_what_was_decoded_before_does_not_pay_for_later_media():
    pace = Pace(decode_share=0.5)
    pace.decoded(100.0)
    pace.prefilled(2.0)
    assert not pace.may_prefill(running=1)
