// Sends the page's form, as its button would.
document.forms[0].submit();
