// The queue by keyboard. Keys can be switched off, for those whose speech or tools send them.
const STORED = "konsol-keys";
const box = document.getElementById("keys-on");
box.checked = localStorage.getItem(STORED) !== "off";
box.addEventListener("change", () => localStorage.setItem(STORED, box.checked ? "on" : "off"));

function isTyping(target) {
  return target.isContentEditable || target.matches("textarea, select, input:not([type=radio]):not([type=checkbox])");
}

function open(details) {
  for (const other of document.querySelectorAll("details[data-open]")) other.open = other === details;
  details.querySelector("input:checked, input:not([type=hidden]), textarea")?.focus();
}

function act(key) {
  const press = document.querySelector(`[data-key="${key}"]`);
  if (press) return press.click();
  const focus = document.querySelector(`[data-focus="${key}"]`);
  if (focus) return focus.focus();
  const details = document.querySelector(`details[data-open="${key}"]`);
  if (details) return open(details);
  const pick = document.querySelector(`details[data-open][open] [data-pick="${key}"]`);
  if (pick) {
    pick.checked = true;
    pick.focus();
    return undefined;
  }
  if (key === "?") {
    const help = document.getElementById("keys");
    help.open = !help.open;
    help.querySelector("summary").focus();
  }
  return undefined;
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    for (const details of document.querySelectorAll("details[data-open]")) details.open = false;
    document.activeElement?.blur();
    return;
  }
  if (!box.checked || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  const known = /^[a-z1-9?]$/.test(event.key);
  if (!known) return;
  if (event.repeat) return;
  act(event.key);
});
