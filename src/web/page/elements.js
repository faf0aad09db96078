/**
 * The one way this page makes elements: attributes by name, children as elements or text nodes. What a document says
 * is only ever text, so no word in it can become markup (innerHTML is used nowhere).
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    made.setAttribute(name, value === true ? '' : String(value));
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined) continue;
    made.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return made;
}

/** Sets the text only when it differs, so that nothing that listens to changes is disturbed by a tick. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}
