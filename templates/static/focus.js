// Moves the focus to the summary of errors, after a form with errors was sent.
document.getElementById("summary")?.focus();
