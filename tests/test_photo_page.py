"""A photo on the page "Draw a digit": chosen, dropped, pasted, broken, read, put on the board."""

import base64
import io
import time

import numpy as np
import pytest
from photos import KINDS, Kind, photo
from PIL import Image
from test_draw_page import choose_network, logits, next_frame, reads, sentence, wait_for_answer

pytestmark = pytest.mark.slow

WRITTEN = [3, 1, 4, 1, 5, 9, 2, 6]
PHOTO = photo(KINDS["shadow"], WRITTEN, 1, per_row=4)


def encoded(pixels: np.ndarray, kind="JPEG", **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


@pytest.fixture
def page(visit, address):
    def open_page(state: str = "", **options):
        seen = visit(f"{address}draw.html#{state}", **options)
        wait_for_answer(seen)
        return seen

    return open_page


def choose(seen, data: bytes, name="page.jpg", mime="image/jpeg") -> None:
    inputs = seen.page.locator("#draw-photo input[type='file']")
    inputs.nth(1).set_input_files({"name": name, "mimeType": mime, "buffer": data})


def wait_until_read(seen) -> None:
    seen.page.wait_for_selector("#draw-photo[data-done]", timeout=60_000)


def show(seen, data: bytes, **options) -> None:
    choose(seen, data, **options)
    wait_until_read(seen)


def says(seen) -> str:
    return seen.page.locator("#draw-photo-says").text_content()


def read_by(seen, name="relu") -> list[int]:
    row = seen.page.locator(f"#draw-photo-reads tr[data-network='{name}'] td").first
    return [int(digit) for digit in row.text_content().split()]


def inputs(seen) -> list[str]:
    """The pictures that the network gets."""
    return seen.page.locator(".draw-found canvas:nth-of-type(2)").evaluate_all(
        "(all) => all.map((canvas) => canvas.toDataURL())"
    )


def set_step(seen, step: str, checked: bool) -> None:
    """Set a switch of the section, and wait until all is read anew."""
    before = seen.page.locator("#draw-photo").get_attribute("data-done")
    place = "#draw-photo-centre" if step == "centre" else f"[data-step='{step}']"
    seen.page.locator(place).set_checked(checked)
    seen.page.wait_for_selector(f"#draw-photo[data-done]:not([data-done='{before}'])")


def test_a_photo_is_read_by_all_networks_and_nothing_is_sent(page, address):
    seen = page()
    show(seen, encoded(PHOTO, quality=85))
    assert says(seen) == "8 digits found."
    names = seen.page.locator("#draw-photo-reads tr").evaluate_all(
        "(rows) => rows.map((row) => row.dataset.network)"
    )
    assert len(names) == 4
    for name in names:
        assert read_by(seen, name) == WRITTEN
    assert all(url.startswith((address, "data:", "blob:")) for url in seen.requests)
    assert seen.complaints == []


def test_a_digit_goes_to_the_board_and_undo_takes_it_back(page):
    seen = page("net=relu&digit=0")
    before = logits(seen)
    show(seen, encoded(PHOTO))
    card = seen.page.locator(".draw-found").nth(5)
    shown = card.locator(".draw-read").text_content()
    card.click()
    next_frame(seen)
    assert seen.page.locator("#draw-source").text_content() == "Digit 6 of page.jpg."
    assert reads(seen, 9)
    assert shown.split(" · ")[1] in sentence(seen)
    seen.page.get_by_role("button", name="Why this logit of 9?").click()
    next_frame(seen)
    assert seen.page.locator("#draw-why h3").text_content() == "Logit of 9"
    seen.page.locator("#draw-undo").click()
    next_frame(seen)
    assert seen.page.locator("#draw-source").text_content().startswith("Test digit 0,")
    assert logits(seen) == before
    assert seen.complaints == []


def test_each_switch_changes_what_is_read(page):
    seen = page()
    show(seen, encoded(PHOTO))
    for step in ("isInverted", "isWithoutPaper"):
        set_step(seen, step, False)
        assert read_by(seen) != WRITTEN, step
        set_step(seen, step, True)
        assert read_by(seen) == WRITTEN
    before = inputs(seen)
    for step in ("isBlackWhite", "isThick", "centre"):
        set_step(seen, step, False)
        assert inputs(seen) != before, step
        set_step(seen, step, True)
        assert inputs(seen) == before
    set_step(seen, "centre", False)
    assert not seen.page.locator("#draw-centre").is_checked(), "one switch, in two places"


def test_what_was_written_is_compared(page):
    seen = page()
    show(seen, encoded(PHOTO))
    seen.page.locator("#draw-wrote").fill("3141 5927")
    next_frame(seen)
    assert (
        seen.page.locator("#draw-photo-reads td:last-child").all_text_contents() == ["7 of 8"] * 4
    )
    assert seen.page.locator("#draw-photo-reads mark").all_text_contents() == ["6"] * 4
    seen.page.locator("#draw-wrote").fill("31")
    next_frame(seen)
    assert seen.page.locator("#draw-photo-count").text_content() == (
        "You wrote 2 digits; 8 were found."
    )


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_photo_is_dropped_or_pasted(page, way):
    seen = page()
    code = """([text, way]) => {
      const bytes = mnistconv.bytesOf(text), data = new DataTransfer();
      data.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
      const options = { bubbles: true, cancelable: true, dataTransfer: data, clipboardData: data };
      const make = way === "drop" ? DragEvent : ClipboardEvent;
      return document.getElementById("draw-board").dispatchEvent(new make(way, options));
    }"""
    text = base64.b64encode(encoded(PHOTO, "PNG")).decode()
    went_on = seen.page.evaluate(code, [text, way])
    assert went_on == (way == "paste"), "the browser would leave the page for a dropped file"
    wait_until_read(seen)
    assert read_by(seen) == WRITTEN


def test_a_photo_that_lies_on_its_side_is_turned_by_its_note_or_by_hand(page):
    """A phone notes in the file how it was held (6: a quarter turn clockwise is missing)."""
    seen = page()
    exif = Image.Exif()
    exif[0x0112] = 6
    side = np.rot90(PHOTO)
    show(seen, encoded(side, exif=exif))
    assert read_by(seen) == WRITTEN
    choose(seen, encoded(side), name="side.jpg")
    seen.page.wait_for_function(
        "(({ width, height }) => height > width)(document.getElementById('draw-photo-colour'))"
    )
    wait_until_read(seen)
    assert read_by(seen) != WRITTEN
    before = seen.page.locator("#draw-photo").get_attribute("data-done")
    seen.page.locator("#draw-photo-turn").click()
    seen.page.wait_for_selector(f"#draw-photo[data-done]:not([data-done='{before}'])")
    assert read_by(seen) == WRITTEN


def test_a_transparent_picture_is_read(page):
    seen = page()
    ink = 255 - photo(Kind(noise=0), WRITTEN, 1, per_row=4).min(axis=2).astype(int)
    alpha = np.clip(2 * (ink - 60), 0, 255).astype(np.uint8)
    for shade in (0, 255):
        pixels = np.dstack([np.full((*alpha.shape, 3), shade, np.uint8), alpha])
        seen.page.evaluate("delete document.getElementById('draw-photo').dataset.done")
        show(seen, encoded(pixels, "PNG"), name=f"{shade}.png", mime="image/png")
        assert read_by(seen) == WRITTEN


@pytest.mark.parametrize(
    ("name", "mime", "data", "text"),
    [
        ("cut.jpg", "image/jpeg", encoded(PHOTO)[:200], "cut.jpg is not a picture"),
        ("none.jpg", "image/jpeg", b"", "none.jpg is empty"),
        ("letter.txt", "text/plain", b"3", "letter.txt is not a picture"),
        ("IMG_1.HEIC", "image/heic", b"\0\0\0\x18ftypheic", "is a HEIC file"),
        ("a.svg", "image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is an SVG"),
    ],
)
def test_a_file_that_is_no_photo_is_named_and_what_was_read_stays(page, name, mime, data, text):
    seen = page()
    show(seen, encoded(PHOTO))
    choose(seen, data, name=name, mime=mime)
    refusal = seen.page.locator(f"#draw-photo-refusal:has-text('{text}')")
    refusal.wait_for()
    assert seen.page.locator("#draw-spoken").text_content() == refusal.text_content()
    assert says(seen) == "8 digits found."
    assert read_by(seen) == WRITTEN
    choose(seen, encoded(photo(KINDS["plain"], [7, 7], 3)))
    seen.page.wait_for_selector("#draw-photo-says:has-text('2 digits found')")
    assert seen.page.locator("#draw-photo-refusal").text_content() == ""
    assert seen.complaints == []


def test_a_page_without_digits_says_so_and_one_with_too_many_stops(page):
    seen = page()
    show(seen, encoded(photo(KINDS["plain"], [], 0)))
    assert says(seen).startswith("No digit was found")
    assert seen.page.locator(".draw-found").count() == 0
    page_full = photo(KINDS["plain"], [n % 10 for n in range(112)], 0, per_row=14, sizes=(38, 46))
    choose(seen, encoded(page_full), name="full.jpg")
    seen.page.wait_for_selector("#draw-photo-says:has-text('More than 100')")
    assert seen.page.locator(".draw-found").count() == 100


def test_the_chosen_network_is_the_one_on_the_cards(page):
    seen = page()
    show(seen, encoded(PHOTO))
    set_step(seen, "isInverted", False)
    before = seen.page.locator(".draw-read").all_text_contents()
    choose_network(seen, "simple")
    after = seen.page.locator(".draw-read").all_text_contents()
    assert after != before
    assert [int(text[0]) for text in after] == read_by(seen, "simple")


def test_a_screen_reader_hears_what_was_found(page):
    seen = page()
    show(seen, encoded(PHOTO))
    heard = seen.page.locator("#draw-spoken").text_content()
    assert heard == "8 digits found. relu reads: 3 1 4 1 5 9 2 6."


def test_a_photo_of_12_megapixels_is_quick(page, capsys):
    large = Image.fromarray(PHOTO).resize((4000, 3000), Image.Resampling.BILINEAR)
    data = encoded(np.asarray(large), quality=90)
    seen = page()
    start = time.perf_counter()
    choose(seen, data)
    seen.page.wait_for_selector("#draw-photo[data-took]")
    seconds = time.perf_counter() - start
    worked = int(seen.page.locator("#draw-photo").get_attribute("data-took"))
    wait_until_read(seen)
    with capsys.disabled():
        print(f"\n12 megapixels: {seconds:.1f} s to the digits, {worked} ms of them on the page")
    assert read_by(seen) == WRITTEN
    assert seconds < 4


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_section_is_accessible_and_no_wider_than_the_page(page, width, theme):
    seen = page(width=width, theme=theme)
    show(seen, encoded(PHOTO))
    choose(seen, b"", name="none.jpg")
    seen.page.wait_for_selector("#draw-photo-refusal:has-text('empty')")
    seen.page.locator("#draw-wrote").fill("31415927")
    next_frame(seen)
    assert seen.violations("#draw-photo") == []
    assert seen.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_a_photo_is_read_on_a_page_from_a_folder(visit, site):
    seen = visit((site / "draw.html").as_uri())
    wait_for_answer(seen)
    show(seen, encoded(PHOTO))
    assert read_by(seen) == WRITTEN
    assert seen.complaints == []
