// Inside of Telegram the address says, behind the #, who opened it; Telegram's signature is with it.
const said = new URLSearchParams(location.hash.slice(1)).get("tgWebAppData");
if (said) {
  document.getElementById("data").value = said;
  document.getElementById("enter").hidden = false;
  document.getElementById("outside").hidden = true;
  // nobody shall find it in the history
  history.replaceState(null, "", location.pathname);
}
