"""Chapters that wait for a guess: veils, forms and questions, in a real browser."""

import pytest
from book import NAMES
from sites import soup

PAGE = "04_cross_entropy"


@pytest.fixture
def chapter(visit, address):
    return visit(f"{address}{PAGE}.html")


def first(seen):
    """The first form of the page, its button, and the output that it covers."""
    page = seen.page
    run = page.locator(".predict-run").first
    return page.locator(".predict-form").first, run, page.locator(".veil").first


def guess(seen, text: str) -> None:
    form, run, _ = first(seen)
    form.locator("input").fill(text)
    run.get_by_role("button", name="Run").click()


def covered(seen) -> int:
    return seen.page.locator(".veil").evaluate_all("all => all.filter(v => !v.offsetHeight).length")


@pytest.mark.parametrize("name", NAMES)
def test_every_answer_is_covered_at_first(visit, address, name):
    seen = visit(f"{address}{name}.html")
    veils = seen.page.locator(".veil").count()
    assert covered(seen) == veils
    assert seen.page.locator(".predict-run").count() >= seen.page.locator(".predict").count() / 2
    assert seen.complaints == []


@pytest.mark.parametrize("name", NAMES)
def test_nothing_that_answers_lies_open(site, name):
    """From a box on, each output up to the next heading is covered."""
    for box in soup(site, name).select(".admonition.predict"):
        for after in box.find_next_siblings():
            if after.name == "section" or "predict" in after.get("class", []):
                break
            for output in after.select(".cell_output"):
                assert output.find_parent(class_="veil") or "veil" in output["class"]


def test_a_guess_is_set_beside_the_outcome(chapter):
    guess(chapter, "0.9")
    _, run, veil = first(chapter)
    assert veil.is_visible()
    assert run.locator("li").all_text_contents() == ["You said 0.9; it was 0.74: too high."]
    assert covered(chapter) < chapter.page.locator(".veil").count()


@pytest.mark.parametrize(
    "said, line",
    [
        ("0.74", "You said 0.74: right."),
        (".743", "You said .743: right. It was 0.74."),
        ("0,8", "You said 0,8; it was 0.74: close."),
    ],
)
def test_a_number_may_be_written_as_people_write(chapter, said, line):
    guess(chapter, said)
    assert first(chapter)[1].locator("li").all_text_contents() == [line]


def test_numbers_are_read_as_they_are_meant(chapter):
    written = {
        "1,200": 1200, "60,000,000": 6e7, "12 %": 12, "−3": -3, "1 200": 1200, ".5": 0.5,
        "0,5": 0.5, "1e-4": 1e-4, "1,200.5": 1200.5, "26 digits": 26, "10000": 1e4,
    }  # fmt: skip
    texts = list(written)
    read = chapter.page.evaluate("texts => texts.map(mnistconv.readNumber)", texts)
    assert dict(zip(texts, read, strict=True)) == written
    no_numbers = ["", "many", "1 to 2", "3/4", "--2"]
    assert chapter.page.evaluate(
        "texts => texts.every(t => Number.isNaN(mnistconv.readNumber(t)))", no_numbers
    )


def test_without_a_guess_the_page_asks_once(chapter):
    form, run, veil = first(chapter)
    run.get_by_role("button", name="Run").click()
    assert not veil.is_visible()
    assert "Your guess first?" in form.text_content()
    assert form.locator("input").evaluate("input => input === document.activeElement")
    run.get_by_role("button", name="Run").click()
    assert veil.is_visible()
    assert run.locator("li").all_text_contents() == ["It was 0.74."]


def test_what_is_no_number_is_said_and_nothing_is_shown(chapter):
    for _ in range(3):
        guess(chapter, "quite large")
        form, _, veil = first(chapter)
        assert "A number, please" in form.text_content()
        assert not veil.is_visible()
    guess(chapter, "1")
    assert first(chapter)[2].is_visible()


def test_the_keyboard_alone_is_enough(chapter):
    form, _, veil = first(chapter)
    form.locator("input").focus()
    chapter.page.keyboard.type("1")
    chapter.page.keyboard.press("Enter")
    assert veil.is_visible()
    assert chapter.page.evaluate("document.activeElement.textContent") == "Cover again"
    chapter.page.keyboard.press("Enter")
    assert not veil.is_visible()
    assert chapter.page.evaluate("document.activeElement.textContent") == "Run"


def test_a_choice_by_keyboard(chapter):
    form = chapter.page.locator(".predict-form[data-kind='moreorless']").first
    form.locator("input").first.focus()
    chapter.page.keyboard.press("Space")
    chapter.page.keyboard.press("Shift+Enter")
    assert "You said it grows: right." in chapter.page.locator(".predict-said").all_text_contents()


def test_what_was_said_survives_a_reload_and_can_be_forgotten(chapter):
    guess(chapter, "0.9")
    chapter.page.reload()
    form, _, veil = first(chapter)
    assert veil.is_visible()
    assert form.locator("input").input_value() == "0.9"
    chapter.page.get_by_role("button", name="Forget my answers").click()
    assert not veil.is_visible()
    assert form.locator("input").input_value() == ""
    assert form.locator("input").is_enabled()
    chapter.page.reload()
    assert not veil.is_visible()


def test_answers_of_another_chapter_stay(visit, address, chapter):
    guess(chapter, "0.9")
    chapter.page.goto(f"{address}02_softmax.html")
    assert covered(chapter) == chapter.page.locator(".veil").count()
    chapter.page.get_by_role("button", name="Forget my answers").click()
    chapter.page.goto(f"{address}{PAGE}.html")
    assert first(chapter)[2].is_visible()


def test_the_switch_shows_everything_on_every_chapter(chapter, address):
    chapter.page.get_by_label("Cover each answer").uncheck()
    assert covered(chapter) == 0
    assert not chapter.page.locator(".predict-form").first.is_visible()
    chapter.page.goto(f"{address}02_softmax.html")
    assert covered(chapter) == 0
    chapter.page.get_by_label("Cover each answer").check()
    assert covered(chapter) > 0


def test_print_shows_everything(chapter):
    chapter.page.emulate_media(media="print")
    assert covered(chapter) == 0
    assert not chapter.page.locator(
        ".predict-form, .predict-run, .predict-switch"
    ).first.is_visible()
    chapter.page.emulate_media(media="screen")


def test_without_javascript_everything_is_open(chapter, address):
    context = chapter.page.context.browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}{PAGE}.html")
    for part in page.locator(".veil").all():
        assert part.is_visible()
    assert not page.locator(".predict-run").first.is_visible()
    answer = page.locator(".question details").first
    answer.locator("summary").click()
    assert answer.locator("p").first.is_visible()
    context.close()


def test_storage_that_is_blocked_changes_nothing_else(chapter, address):
    context = chapter.page.context.browser.new_context()
    page = context.new_page()
    page.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no'); }})"
    )
    page.goto(f"{address}{PAGE}.html")
    page.locator(".predict-form input").first.fill("1")
    page.get_by_role("button", name="Run").first.click()
    assert page.locator(".veil").first.is_visible()
    page.locator(".question input").first.check()
    assert page.locator(".question-reply").first.text_content()
    context.close()


@pytest.mark.parametrize("kept", ["no JSON", "null", "[1]", '{"question0": 3}'])
def test_what_somebody_else_has_stored_is_no_problem(chapter, kept):
    chapter.page.evaluate(
        "kept => localStorage.setItem('predict:04_cross_entropy.html', kept)", kept
    )
    chapter.page.reload()
    chapter.complaints.clear()  # what the reload cut off has failed
    guess(chapter, "1")
    assert first(chapter)[2].is_visible()
    assert chapter.complaints == []


def test_a_link_that_leads_under_a_veil_lifts_it(chapter):
    veil = first(chapter)[2]
    veil.evaluate("veil => { veil.querySelector('pre').id = 'inside'; location.hash = 'inside'; }")
    veil.locator("#inside").wait_for(state="visible")


def test_an_address_that_cannot_be_read_is_no_problem(visit, address):
    seen = visit(f"{address}{PAGE}.html#%E0%A4%A")
    guess(seen, "1")
    assert first(seen)[2].is_visible()
    assert seen.page.locator(".question input").count()
    assert seen.complaints == []


# The questions at the end


def test_each_choice_answers_with_its_reason(chapter):
    question = chapter.page.locator(".question").first
    assert not question.locator("details").is_visible()
    question.locator("input").nth(0).check()
    reply = question.locator(".question-reply")
    assert reply.text_content().startswith("No. So the article says.")
    question.locator("input").nth(1).check()
    assert reply.text_content().startswith("Right. The gradient is")
    chapter.page.reload()
    assert question.locator("input").nth(1).is_checked()
    assert reply.text_content().startswith("Right. ")


def test_a_number_is_checked_and_can_be_tried_again(chapter):
    question = chapter.page.locator(".question:has(.question-number)").first
    reply = question.locator(".question-reply")
    field = question.locator("input")
    for said, replied in (("about four", "A number, please"), ("2.3", "No. "), ("4.61", "Right. ")):
        field.fill(said)
        field.press("Enter")
        assert reply.text_content().startswith(replied)


@pytest.mark.parametrize("name", NAMES)
def test_every_question_can_be_answered_right_and_wrong(visit, address, name):
    seen = visit(f"{address}{name}.html")
    for question in seen.page.locator(".question").all():
        right = question.get_attribute("data-right")
        for choice in question.locator("li input[type='radio']").all():
            choice.check()
            wanted = "Right. " if choice.input_value() == right else "No. "
            assert question.locator(".question-reply").text_content().startswith(wanted)
            assert len(question.locator(".question-reply").text_content()) > 20
    assert seen.complaints == []


# An order


def ordered(visit, address):
    """Chapter 10, its order, and a function that presses one of its items."""
    seen = visit(f"{address}10_final_results.html")
    form = seen.page.locator(".predict-form[data-kind='order']")
    return seen, form, lambda item: form.locator(f"button[value='{item}']").click()


def test_items_are_put_in_order_and_taken_out_again(visit, address):
    seen, form, press = ordered(visit, address)
    for item in ("ReLU", "dropout", "convolution"):
        press(item)
    assert form.get_by_role("button", name="convolution, place 3").count() == 1
    press("dropout")
    assert form.locator("[data-place]").all_text_contents() == ["ReLU"]
    run = seen.page.get_by_role("button", name="Run").first
    run.click()
    assert "Your guess first?" in form.text_content()


def test_a_whole_order_is_compared(visit, address):
    seen, form, press = ordered(visit, address)
    said = form.locator("button").evaluate_all("all => all.map(b => b.value)")[::-1]
    for item in said:
        press(item)
    seen.page.get_by_role("button", name="Run").first.click()
    line = seen.page.locator(".predict-said li").first.text_content()
    assert line.startswith(f"You said {', '.join(said)}; it was convolution")
    seen.page.reload()
    assert form.locator("[data-place='1']").get_attribute("value") == said[0]
    assert seen.page.locator(".predict-said li").first.text_content() == line
