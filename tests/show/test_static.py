"""The static twin: what it draws of a figure is what the figure holds."""

import io

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.subplots import make_subplots

from rrsitr_lib.errors import InputError
from rrsitr_lib.show.static import plain_text, static_twin
from rrsitr_lib.show.style import COLOURS, PLOTLY_DASHES, PLOTLY_MARKERS, hatched, straight


def assert_same_numbers(figure, twin):
    """Every line, bar and map of ``figure`` stands in ``twin``, panel by panel, in the same order."""
    names = sorted({trace.xaxis or "x" for trace in figure.data}, key=lambda name: int(name[1:] or 1))
    for name, axis in zip(names, twin.axes, strict=False):
        lines, bars, maps = iter(axis.lines), iter(axis.containers), iter(axis.images)
        for trace in figure.data:
            if (trace.xaxis or "x") != name:
                continue
            if trace.type == "scatter" and trace.mode == "text":
                assert set(map(plain_text, trace.text)) <= {text.get_text() for text in axis.texts}
            elif trace.type == "scatter":
                line = next(lines)
                np.testing.assert_array_equal(line.get_xdata(), np.asarray(trace.x, float))
                np.testing.assert_array_equal(line.get_ydata(), np.asarray(trace.y, float))
            elif trace.type == "bar":
                drawn = next(bars).patches
                np.testing.assert_allclose([one.get_x() + one.get_width() / 2 for one in drawn], trace.x, atol=1e-9)
                np.testing.assert_array_equal([one.get_height() for one in drawn], np.asarray(trace.y, float))
            else:
                np.testing.assert_array_equal(np.asarray(next(maps).get_array()), np.asarray(trace.z, float))


def words(twin):
    twin.canvas.draw()
    return [text.get_text() for text in twin.findobj(matplotlib.text.Text)]


def test_lines_keep_numbers_colour_dash_and_marker():
    figure = go.Figure()
    for number, (colour, dash) in enumerate(zip(COLOURS, PLOTLY_DASHES, strict=True)):
        look = {"line": {"color": colour, "dash": dash}, "marker": {"symbol": PLOTLY_MARKERS[number]}}
        figure.add_scatter(x=[1, 2, 3], y=[number, None, 2], mode="lines+markers", name=f"line {number}", **look)
    twin = static_twin(figure)
    assert_same_numbers(figure, twin)
    lines = twin.axes[0].lines
    assert [line.get_color() for line in lines] == list(COLOURS)
    assert len({(line.get_linestyle(), line.get_marker()) for line in lines}) == 4
    assert [text.get_text() for text in twin.legends[0].get_texts()] == [f"line {k}" for k in range(4)]


@pytest.mark.parametrize(("symbol", "filled"), [("circle", True), ("circle-open", False), ("diamond-dot", True)])
def test_open_symbols_stay_open(symbol, filled):
    marker = {"symbol": symbol, "color": "#0072b2"}
    (line,) = static_twin(go.Figure(go.Scatter(x=[1], y=[1], mode="markers", marker=marker))).axes[0].lines
    assert (line.get_markerfacecolor() == "#0072b2") == filled and line.get_markeredgecolor() == "#0072b2"


def test_stacked_bars_hang_below_zero_and_stand_above():
    figure = go.Figure(layout={"barmode": "relative", "bargap": 0.25})
    for y in ([-1, 2], [3, 4]):
        figure.add_bar(x=[1, 2], y=y, marker=hatched("#0072b2", "/"))
    twin = static_twin(figure)
    assert_same_numbers(figure, twin)
    assert [bar.get_y() for bar in twin.axes[0].patches] == [0, 0, 0, 2]
    assert {bar.get_hatch() for bar in twin.axes[0].patches} == {"//"}
    assert twin.axes[0].patches[0].get_width() == pytest.approx(0.75)


def test_map_has_its_colours_numbers_and_direction():
    look = {"zmin": 0, "zmax": 1, "colorscale": "Cividis", "texttemplate": "%{text}", "text": [["1", "2"], ["3", "4"]]}
    figure = go.Figure(go.Heatmap(z=[[0, 0.25], [0.5, 1]], x=["a", "b"], **look))
    twin = static_twin(figure.update_yaxes(autorange="reversed"))
    assert_same_numbers(figure, twin)
    axis = twin.axes[0]
    assert axis.yaxis_inverted() and {"1", "2", "3", "4", "a", "b"} <= set(words(twin))
    assert matplotlib.colors.to_hex(axis.images[0].cmap(0.0)) == "#00224e"


def test_titles_labels_ranges_lines_and_bands():
    figure = make_subplots(1, 2, subplot_titles=("left", "right"))
    for panel in (1, 2):
        figure.add_scatter(x=[0, 1], y=[0, 1], row=1, col=panel)
    figure.update_xaxes(title="loss<br>of the pair", range=[-1, 2])
    figure.update_layout(shapes=[straight(0.5, 2, "dash", "grey"), straight(0.2, 1, "dot", "grey", across=True)])
    figure.add_vrect(x0=0, x1=1, fillcolor="#f0e442", opacity=0.5, line_width=2, line_color="#b59f00", row=1, col=1)
    left, right = static_twin(figure).axes
    assert (left.get_title(), right.get_title()) == ("left", "right")
    assert left.get_xlabel() == "loss\nof the pair" and left.get_xlim() == (-1, 2)
    assert list(right.lines[-1].get_xdata()) == [0.5, 0.5] and list(left.lines[-1].get_ydata()) == [0.2, 0.2]
    assert left.patches[0].get_width() == 1


def test_hidden_and_empty_traces_have_no_name_in_the_legend():
    figure = go.Figure([go.Scatter(x=[1], y=[1], name=name) for name in ("one", "two", "hidden")])
    figure.data[2].showlegend = False
    figure.add_scatter(x=[], y=[], name="empty")
    assert [text.get_text() for text in static_twin(figure).legends[0].get_texts()] == ["one", "two"]


def test_no_figure_stays_open():
    before = plt.get_fignums()
    static_twin(go.Figure(go.Scatter(x=[1], y=[1])))
    assert plt.get_fignums() == before, "a notebook would show the figure twice"


def test_an_unknown_look_is_an_error_and_not_left_out():
    with pytest.raises(InputError, match=r"trace is 'box': .*scatter, bar, heatmap"):
        static_twin(go.Figure(go.Box(y=[1])))
    with pytest.raises(InputError, match="dash is 'longdash'"):
        static_twin(go.Figure(go.Scatter(x=[1], y=[1], line={"dash": "longdash"})))


def test_plain_text():
    assert plain_text("a<br><b>b</b>") == "a\nb" and plain_text(None) == ""


@pytest.mark.parametrize("words", ["costs $$ 3 $", r"$\frac$", "a_$b$^{"])
def test_words_with_a_dollar_are_words(words):
    layout = {"title": {"text": words}, "xaxis": {"title": words}}
    figure = go.Figure([go.Scatter(x=[1, 2], y=[3, 4], name=f"{words} {number}") for number in (1, 2)], layout)
    twin = static_twin(figure)
    twin.savefig(io.BytesIO())
    assert twin.axes[0].get_xlabel() == words
