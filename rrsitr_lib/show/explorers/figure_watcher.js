// Sits unseen beside a figure: keeps it as wide as its cell, and tells the kernel what was done in it by hand.
export default {
  render({ model, el }) {
    const box = () => el.parentElement?.closest(".widget-vbox");
    let plot = null, width = 0;

    const listeners = {
      plotly_selected: event => {  // one without a range is only drawn anew
        if (event?.range || event?.lassoPoints) tell("selected", event.points);
      },
      plotly_click: event => tell("clicked", event.points),
      plotly_relayout: change => {
        const moved = {};
        for (const [key, value] of Object.entries(change)) {
          const [, number, end] = key.match(/^shapes\[(\d+)\]\.([xy])0$/) || [];
          if (end) Object.assign(moved[number] ??= {}, { [end]: value });
        }
        for (const [number, at] of Object.entries(moved)) model.send({ event: "dragged", shape: Number(number), ...at });
      },
    };
    function tell(event, found) {
      const points = {};
      for (const { curveNumber, pointNumber } of found || []) (points[curveNumber] ??= []).push(pointNumber);
      model.send({ event, points });
    }
    function attach(element) {
      for (const [name, listener] of Object.entries(listeners)) {
        plot?.removeListener?.(name, listener);
        element.on(name, listener);
      }
      plot = element;
    }
    const drawn = event => box()?.contains(event.detail.element) && attach(event.detail.element);
    document.addEventListener("plotlywidget-after-render", drawn);

    const seen = new ResizeObserver(() => {  // called first when both stand on the page
      const there = box()?.querySelector(".js-plotly-plot");
      if (there?.on && there !== plot) attach(there);
      if (el.clientWidth && el.clientWidth !== width) {
        width = el.clientWidth;  // plotly asks for it only when the window changes
        window.dispatchEvent(new Event("resize"));
      }
    });
    seen.observe(el);
    return () => {
      seen.disconnect();
      document.removeEventListener("plotlywidget-after-render", drawn);
    };
  },
};
