// Photos are made small on the telephone, before they wait for a network: 1600 px, JPEG.
const LONGEST = 1600;
const QUALITY = 0.8;
const SMALL = 300 * 1024;

async function shrink(file) {
  if (!/^image\/(jpeg|png|webp|heic|heif)$/.test(file.type)) return file;
  let picture;
  try {
    picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return file; // a format that this browser cannot read goes as it is
  }
  const scale = Math.min(1, LONGEST / Math.max(picture.width, picture.height));
  if (scale === 1 && file.size <= SMALL) {
    picture.close();
    return file;
  }
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const made = await new Promise((done) => {
    canvas.toBlob(done, "image/jpeg", QUALITY);
  });
  canvas.width = 0;
  return made && made.size < file.size ? made : file;
}

async function digest(blob) {
  const bytes = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return [...new Uint8Array(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A file of a form as it is kept: small, named, with the hash that proves that all of it arrived.
export async function prepared(file) {
  const blob = await shrink(file);
  const name = blob === file ? file.name : `${file.name.replace(/\.[^.]*$/, "") || "photo"}.jpg`;
  return { id: crypto.randomUUID(), name, blob, sha256: await digest(blob), upload: null, offset: 0 };
}

// input[type=file]: beside “choose a file” a button that opens the camera, and a look at the photo.
export function cameras(part, { button, icon }) {
  for (const input of part.querySelectorAll("input[type=file]:not([data-camera])")) {
    input.dataset.camera = "";
    const take = document.createElement("button");
    take.type = "button";
    take.className = "btn btn-plain btn-wide camera-button";
    take.append(icon, button);
    const preview = document.createElement("img");
    preview.className = "photo-preview";
    preview.alt = "";
    preview.hidden = true;
    let address = "";
    take.addEventListener("click", () => {
      input.setAttribute("capture", "environment");
      input.click();
      setTimeout(() => input.removeAttribute("capture"), 500);
    });
    input.addEventListener("change", () => {
      if (address) URL.revokeObjectURL(address);
      const file = input.files[0];
      preview.hidden = !file?.type.startsWith("image/");
      address = preview.hidden ? "" : URL.createObjectURL(file);
      if (address) preview.src = address;
    });
    input.before(take);
    input.after(preview);
  }
}
