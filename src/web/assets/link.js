// The code of a one-time link stands behind the # of the address, which browsers send to nobody. It is put into the form,
// and taken out of the address so that it stays in no history.
const field = document.getElementById("code");
const code = decodeURIComponent(location.hash.slice(1));
if (field && code) {
  field.value = code;
  history.replaceState(null, "", location.pathname);
  document.querySelector("button")?.focus();
}
