"""Two works that may be one book: a person decides, and the next import keeps to it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError

from shop.catalogue.intake import twins
from shop.catalogue.intake.twins import ToldApart
from shop.catalogue.models import Contributor, Edition, Work
from shop.staff.access import Role
from shop.staff.audit import AuditEntry
from tests.test_intake import EBOOK, HARD, SOFT, product, take_in, works_of

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session

    from tests.makers import Scene


@pytest.fixture
def alike(scene: Scene, tmp_path: Path) -> Scene:
    """A hardback and an ebook of the same title that say nothing of each other."""
    take_in(scene, tmp_path, product(HARD), product(EBOOK))
    return scene


def work_of(scene: Scene, isbn: str) -> Work:
    with scene.shop.db.reading() as session:
        return session.scalars(select(Work).join(Edition).where(Edition.isbn == isbn)).one()


def decide(scene: Scene, verdict: str, kept: int, other: int) -> int:
    return scene.post("/staff/catalogue/twins", verdict=verdict, kept=str(kept), other=str(other)).status_code


def pairs(scene: Scene) -> int:
    with scene.shop.db.reading() as session:
        return len(twins.pairs(session))


def test_works_that_are_put_together_share_a_page_and_every_address(alike: Scene, tmp_path: Path) -> None:
    alike.sign_in_as_staff()
    hard, ebook = work_of(alike, HARD), work_of(alike, EBOOK)
    page = alike.get("/staff/catalogue/twins").text
    verdict = decide(alike, "one", hard.id, ebook.id)
    moved = alike.get(f"/books/{ebook.slug}")
    anew = product(EBOOK, price="<!-- told anew -->")
    again = take_in(alike, tmp_path, product(HARD), anew, product(SOFT, kin=(EBOOK,)))

    assert (HARD in page, EBOOK in page, verdict) == (True, True, 303)
    assert works_of(alike, HARD, EBOOK, SOFT) == [{HARD, EBOOK, SOFT}]
    assert (again.changed, again.added) == (1, 1)
    assert (moved.status_code, moved.location) == (301, f"/books/{hard.slug}")
    assert f"/books/{hard.slug}" in alike.get(f"/search?q={EBOOK}").text
    assert pairs(alike) == 0
    assert "put together" in [entry.action for entry in alike.all(AuditEntry)]


def test_a_record_that_names_the_work_which_is_gone_finds_the_one_that_is_kept(scene: Scene, tmp_path: Path) -> None:
    take_in(scene, tmp_path, product(HARD, work="W-1"), product(EBOOK, work="W-2"))
    scene.sign_in_as_staff()
    decide(scene, "one", work_of(scene, HARD).id, work_of(scene, EBOOK).id)
    take_in(scene, tmp_path, product(EBOOK, work="W-2", price="<!-- told anew -->"), product(SOFT, work="W-2"))

    assert works_of(scene, HARD, EBOOK, SOFT) == [{HARD, EBOOK, SOFT}]


def test_works_that_are_told_apart_are_not_asked_about_again(alike: Scene, tmp_path: Path) -> None:
    alike.sign_in_as_staff()
    before = pairs(alike)
    verdict = decide(alike, "two", work_of(alike, EBOOK).id, work_of(alike, HARD).id)
    take_in(alike, tmp_path, product(HARD), product(EBOOK, price="<!-- told anew -->"))

    assert (before, verdict, pairs(alike)) == (1, 303, 0)
    assert works_of(alike, HARD, EBOOK) == [{EBOOK}, {HARD}]
    assert "No two works are alike" in alike.get("/staff/catalogue/twins").text


def test_the_second_click_finds_that_things_have_changed(alike: Scene) -> None:
    alike.sign_in_as_staff()
    hard, ebook = work_of(alike, HARD).id, work_of(alike, EBOOK).id

    assert [decide(alike, "one", hard, ebook) for _ in range(2)] == [303, 409]
    assert decide(alike, "one", hard, hard) == 400
    assert decide(alike, "two", hard, 0) == 409
    assert decide(alike, "one", hard, 1) == 409, "another title is no twin"


def test_viewers_look_and_do_not_decide(alike: Scene) -> None:
    alike.sign_in_as_staff(Role.VIEWER)

    assert alike.get("/staff/catalogue/twins").status_code == 200
    assert decide(alike, "one", work_of(alike, HARD).id, work_of(alike, EBOOK).id) == 403
    assert pairs(alike) == 1


def test_a_title_in_capitals_and_without_accents_is_the_same_title(scene: Scene, tmp_path: Path) -> None:
    take_in(scene, tmp_path, product(HARD, title="Œdipe à l'été"), product(EBOOK, title="OEDIPE À L'ÉTÉ"))

    assert pairs(scene) == 1


def test_other_people_make_another_book(scene: Scene, tmp_path: Path) -> None:
    take_in(scene, tmp_path, product(HARD), product(EBOOK))
    with scene.shop.db.writing() as session:
        hard = session.get_one(Work, work_of(scene, HARD).id)
        hard.contributors.append(Contributor(position=0, role="A01", name="Somebody Else"))

    assert pairs(scene) == 0


def test_a_stale_page_cannot_put_together_what_was_told_apart_or_has_other_people(alike: Scene) -> None:
    alike.sign_in_as_staff()
    hard, ebook = work_of(alike, HARD).id, work_of(alike, EBOOK).id
    assert decide(alike, "two", hard, ebook) == 303
    assert decide(alike, "one", hard, ebook) == 409


def test_other_people_cannot_be_put_together(alike: Scene) -> None:
    alike.sign_in_as_staff()
    hard, ebook = work_of(alike, HARD).id, work_of(alike, EBOOK).id
    with alike.shop.db.writing() as session:
        session.add(Contributor(work_id=hard, position=0, role="A01", name="Somebody Else"))
    assert decide(alike, "one", hard, ebook) == 409


def test_what_was_told_apart_from_the_one_that_goes_stays_apart_from_the_one_that_stays(
    alike: Scene, tmp_path: Path
) -> None:
    take_in(alike, tmp_path, product(SOFT))
    alike.sign_in_as_staff()
    hard, ebook, soft = (work_of(alike, isbn).id for isbn in (HARD, EBOOK, SOFT))
    assert decide(alike, "two", ebook, soft) == 303
    assert decide(alike, "one", hard, ebook) == 303
    assert pairs(alike) == 0


def test_works_that_are_put_together_are_found_at_once_by_all_that_either_had(alike: Scene) -> None:
    alike.sign_in_as_staff()
    with alike.shop.db.writing() as session:
        session.execute(update(Edition).where(Edition.isbn == HARD).values(publication_date=date(2026, 5, 1)))
        session.execute(update(Edition).where(Edition.isbn == EBOOK).values(publication_date=date(2025, 5, 1)))
    kept = work_of(alike, HARD)
    assert decide(alike, "one", kept.id, work_of(alike, EBOOK).id) == 303
    together = work_of(alike, HARD)

    for query in (f"q={HARD}", f"q={EBOOK}", "q=wrack&form=hardback", "q=wrack&form=ebook", "q=wrack&year=2025"):
        assert f'href="/books/{kept.slug}"' in alike.get(f"/search?{query}").text, query
    assert together.published_on == date(2025, 5, 1)


def hurried(session: Session) -> Session:
    """A transaction that waits for nobody."""
    session.execute(text("SET LOCAL lock_timeout = '100ms'"))
    return session


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_while_one_person_tells_two_works_apart_nobody_puts_them_together(alike: Scene) -> None:
    hard, ebook = work_of(alike, HARD).id, work_of(alike, EBOOK).id
    with alike.shop.db.writing() as one:
        twins.tell_apart(one, hard, ebook)
        with pytest.raises(OperationalError, match="lock timeout"), alike.shop.db.writing() as other:
            twins.put_together(hurried(other), ebook, hard)
    with pytest.raises(twins.NotTwinsError), alike.shop.db.writing() as other:
        twins.put_together(hurried(other), ebook, hard)

    assert works_of(alike, HARD, EBOOK) == [{EBOOK}, {HARD}]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_of_two_who_put_the_same_works_together_the_second_finds_that_it_is_done(alike: Scene) -> None:
    hard, ebook = work_of(alike, HARD).id, work_of(alike, EBOOK).id
    with alike.shop.db.writing() as one:
        twins.put_together(one, hard, ebook)
        with pytest.raises(OperationalError, match="lock timeout"), alike.shop.db.writing() as other:
            twins.tell_apart(hurried(other), hard, ebook)
    with pytest.raises(twins.NotTwinsError), alike.shop.db.writing() as other:
        twins.tell_apart(hurried(other), hard, ebook)

    assert alike.all(ToldApart) == []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_without_the_lock_both_persons_believe_what_they_see(alike: Scene) -> None:
    """The control of the two tests above: whoever only looks waits for nobody, and sees nothing of what is decided."""
    hard, ebook = work_of(alike, HARD).id, work_of(alike, EBOOK).id
    with alike.shop.db.writing() as one:
        twins.tell_apart(one, hard, ebook)
        with alike.shop.db.writing() as other:
            assert len(twins.pairs(hurried(other))) == 1
    assert pairs(alike) == 0
