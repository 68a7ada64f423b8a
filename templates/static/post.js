// Submits the page's form, as its button does.
document.forms[0].submit();
