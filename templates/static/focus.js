// Brings who has just sent a wrong form to the list of what is wrong.
document.getElementById("summary")?.focus();
