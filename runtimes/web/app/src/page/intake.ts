/** A photograph that is chosen, dropped or pasted. */

import { element } from "./elements";

/** `take` also gets how many files came with it, which are left out. */
export function onPicture(take: (file: File, others: number) => void): void {
  const input = element("file");
  const first = (files: FileList | undefined | null): void => {
    const file = files?.[0];
    if (files && file !== undefined) take(file, files.length - 1);
  };
  input.addEventListener("change", () => {
    first(input.files);
    input.value = "";
  });
  document.addEventListener("paste", (event) => first(event.clipboardData?.files));
  const dragging = (on: boolean) => (event: DragEvent): void => {
    event.preventDefault();
    document.body.classList.toggle("dragging", on);
  };
  document.addEventListener("dragover", dragging(true));
  document.addEventListener("dragleave", dragging(false));
  document.addEventListener("drop", (event) => {
    dragging(false)(event);
    first(event.dataTransfer?.files);
  });
}
