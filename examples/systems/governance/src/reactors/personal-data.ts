/**
 * Looks for personal data in what an agent remembers. Pure.
 *
 * Attachments come in base64. A strict reader fails on one that is damaged; a lenient one looks at what it can read.
 */

/** How damaged attachments are dealt with. */
export type AttachmentReading = "strict" | "lenient";

const ATTACHMENT = "attachment:";
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const EMAIL = /[\w.]+@[\w.]+\.\w+/g;

/** How many addresses of people the content holds. */
export function personalDataIn(content: string, reading: AttachmentReading): number {
  return [...readable(content, reading).matchAll(EMAIL)].length;
}

function readable(content: string, reading: AttachmentReading): string {
  if (!content.startsWith(ATTACHMENT)) return content;
  const encoded = content.slice(ATTACHMENT.length);
  if (reading === "strict" && !BASE64.test(encoded)) throw new Error("the attachment is no base64");
  return Buffer.from(encoded, "base64").toString("utf8");
}
