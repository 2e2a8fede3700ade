/** Hands a file to the browser's downloads. */
export function saveFile(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun with the click; a browser that still reads holds on to the blob by itself.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
