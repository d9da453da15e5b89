document.getElementById("add").addEventListener("click", async () => {
  const answer = await fetch("/items", { method: "POST" });
  document.getElementById("count").textContent = (await answer.json()).count;
});
fetch("/version").then((answer) => answer.json()).then((version) => {
  document.getElementById("version").textContent =
    `code ${version.code.slice(0, 7)}, config ${version.config.slice(0, 7)}, process ${version.pid}`;
});
