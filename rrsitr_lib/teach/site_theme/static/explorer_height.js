"use strict";
addEventListener("message", event => {  // an explorer inside a lesson says how high it is
  const frames = [...document.querySelectorAll("iframe.explorer")];
  const frame = frames.find(one => one.contentWindow === event.source);
  if (frame && event.data.explorerHeight) frame.style.height = event.data.explorerHeight + "px";
});
