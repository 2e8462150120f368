// All texts of the page. A function makes a text of values; numbers and times are written by Intl.

const number = new Intl.NumberFormat("en");
const percent = new Intl.NumberFormat("en", {style: "percent", maximumFractionDigits: 0});
const finePercent = new Intl.NumberFormat("en", {style: "percent", maximumFractionDigits: 1});
const day = new Intl.DateTimeFormat("en",
  {day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23"});

const pageCount = (count) => count === 1 ? "1 page" : `${number.format(count)} pages`;

function duration(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.round(seconds % 3600 / 60)} min`;
}


export const texts = {
  name: "Lectern",
  skip: "Skip to the content",
  key: "Key",
  help: "Keyboard",
  themes: {system: "Colours: system", light: "Colours: light", dark: "Colours: dark"},

  // Taking files
  intakeTitle: "Read pictures and PDFs",
  dropHere: "Drop pages here, paste them, or",
  choose: "Choose files",
  photograph: "Photograph",
  model: "Model",
  prompt: "Read as",
  prompts: {
    "": "As the model usually does",
    markdown: "Markdown, with places",
    free: "Text alone",
    ocr: "Text, line by line",
    figure: "Figure or chart",
    describe: "Description of the picture",
    locate: "Find words on the page",
  },
  ownPrompt: "Own words",
  ownPromptLabel: "Prompt in your own words",
  locateLabel: "What to find",
  mode: "Mode",
  modes: {auto: "Automatic"},
  more: "More options",
  pages: "Pages",
  pagesExample: "all, or 1-3,7",
  password: "Password of the PDF",
  passwordExample: "none",
  orient: "Set turned scans upright",
  maxTokens: "Most tokens a page",
  maxTokensExample: "as many as fit",
  temperature: "Temperature",
  temperatureExample: "0: the likeliest text",
  noFiles: "There is no picture or PDF in what was pasted or dropped.",
  wordsMissing: "Say first what to look for, or what the prompt is.",

  // Documents
  documentsTitle: "Documents",
  historyNote: "This list is kept in this browser. Where the server asks for no key, a document's address is all that " +
    "is needed to read it.",
  status: {
    sending: "Sending",
    waiting: "Waits to be sent",
    queued: "Waits its turn",
    running: "Reading",
    completed: "Read",
    failed: "Failed",
    cancelled: "Stopped",
  },
  sent: (part) => `Sending, ${percent.format(part)}`,
  listFacts: (job, rates) => {
    const words = [texts.status[job.status] ?? job.status];
    if (job.status === "running" && job.pages) words.push(`${number.format(job.done)} of ${pageCount(job.pages)}`);
    else if (job.pages) words.push(pageCount(job.pages));
    if (job.failed_pages > 0 && job.status !== "failed") words.push(`${number.format(job.failed_pages)} failed`);
    if (rates?.left) words.push(texts.left(rates.left));
    if (job.finished) words.push(day.format(job.finished * 1000));
    return words.join(" · ");
  },
  left: (seconds) => `about ${duration(seconds)} left`,
  elapsed: (seconds) => `${duration(seconds)} so far`,
  took: (seconds) => `in ${duration(seconds)}`,
  tokenRate: (rate) => `${number.format(Math.round(rate))} tokens/s`,
  letterRate: (rate) => `${number.format(Math.round(rate))} letters/s`,
  pagesDone: (done, pages) => `${number.format(done)} of ${pageCount(pages)} done`,
  pageCount,
  openDocument: (name) => `Open ${name}`,
  removeDocument: (name) => `Delete ${name}`,
  cancelUpload: (name) => `Do not send ${name}`,
  retryUpload: "Try again",
  unnamed: "Document",
  pastedName: "pasted",

  // One document
  back: "All documents",
  stop: "Stop",
  remove: "Delete",
  removeTitle: (name) => `Delete ${name}?`,
  removeWords: "The document and all that was read of it go from the server.",
  copyPage: "Copy",
  copied: "Copied.",
  copyFailed: "The browser does not let this page copy; select the text and copy it.",
  download: "Download",
  formats: {
    md: "Markdown",
    txt: "Plain text",
    json: "JSON, with places and confidence",
    html: "Web page, picture beside text",
    hocr: "hOCR",
    pdf: "Searchable PDF",
    zip: "All formats, one archive",
  },
  downloadLater: "When all pages are read, the files are here.",
  downloading: (format) => `Getting ${format} …`,
  downloaded: (name) => `${name} is in your downloads.`,
  downloadedWith: (name, warnings) => `${name} is in your downloads. ${warnings}.`,
  pageChoice: "Page",
  page: "Page",
  ofPages: (pages) => pages ? `of ${number.format(pages)}` : "",
  placeAmong: (place, pages) => `(${number.format(place)} of ${number.format(pages)})`,
  previousPage: "Previous page",
  nextPage: "Next page",
  follow: "Follow",
  views: "Views of the text",
  viewNames: {rendered: "Text", markdown: "Markdown", json: "JSON", raw: "Raw"},
  doubtsLabel: "Doubtful words",
  doubtCount: (count) => count === 1 ? "1 doubtful word" : `${number.format(count)} doubtful words`,
  previousDoubt: "Previous doubtful word",
  nextDoubt: "Next doubtful word",
  doubt: (confidence) => `doubtful, ${percent.format(confidence)}`,
  confidence: (confidence) => `Confidence ${finePercent.format(confidence)}`,
  zoom: "Size of the picture",
  zoomIn: "Larger",
  zoomOut: "Smaller",
  zoomFit: "Fit",
  hidePicture: "Hide picture",
  showPicture: "Show picture",
  pictureLabel: "Picture of the page",
  pictureAlt: (page, name) => `Page ${page} of ${name}`,
  pictureWaits: "The picture of this page comes when its turn does.",
  blockName: (label, index, count) => `${label ? label.replaceAll("_", " ") : "block"}, ${index} of ${count}`,
  figure: "Figure",
  pageStates: {
    queued: "This page waits for its turn.",
    reading: "This page is being read.",
    expected: ({views, encode_seconds}) =>
      `This page is being read. It is large: looking at its ${views} views takes about ${duration(encode_seconds)}.`,
    failed: "This page could not be read.",
    done: "This page was read.",
    unread: "This page was not read.",
    blank: "This page is blank.",
    nothing: "No text was read on this page.",
  },
  pageFacts: (page) => {
    const words = [];
    if (page.confidence !== undefined) words.push(texts.confidence(page.confidence));
    if (page.tokens?.text) words.push(`${number.format(page.tokens.text)} tokens`);
    // Lines are read many at a time: their seconds add up to more than went by.
    const seconds = page.seconds && page.mode !== "lines" ? page.seconds.encode + page.seconds.prefill + page.seconds.decode : 0;
    if (seconds > 0) words.push(texts.took(seconds));
    if (seconds > 0 && page.seconds.decode > 0 && page.tokens?.text) words.push(texts.tokenRate(page.tokens.text / page.seconds.decode));
    if (page.mode) words.push(`mode ${page.mode}`);
    if (page.width) words.push(`${page.width} × ${page.height} pixels`);
    return words.join(" · ");
  },
  warningsTitle: (count) => count === 1 ? "1 remark on this page" : `${count} remarks on this page`,
  gone: "This document is not on the server any more.",
  announceOpen: (name) => `${name} is shown.`,
  announcePage: (page, pages) => pages ? `Page ${page} of ${pages} is read.` : `Page ${page} is read.`,
  announceEnd: (name, status) => `${name}: ${(texts.status[status] ?? status).toLowerCase()}.`,
  announceSent: (name) => `${name} is sent.`,
  titleWhile: (done, pages, name) => pages ? `${done}/${pages} ${name} – Lectern` : `${name} – Lectern`,

  // Keys of the server
  keyTitle: "The server asks for a key",
  keyWords: "It stays in this tab, and is forgotten when the tab is closed.",
  keyLabel: "Key",
  keyUse: "Use it",
  keyForget: "Forget",
  cancel: "Cancel",

  // Keyboard
  helpTitle: "Keys",
  useKeys: "Single letters do something",
  close: "Close",
  helpKeys: [
    ["o", "choose files"],
    ["n, p", "next page, previous page"],
    ["1 2 3 4", "text, Markdown, JSON, raw"],
    ["d, Shift d", "next doubtful word, previous one"],
    ["↑ ↓", "in the text: block before, block after"],
    ["← →", "in the text: word before, word after"],
    ["c", "copy what is shown"],
    ["s", "download"],
    ["+ − 0", "picture larger, smaller, fit"],
    ["Esc", "let go of what is marked, close"],
    ["?", "these keys"],
  ],

  // What goes wrong on this side
  unreachable: "The server does not answer. Is it running, and is the network there?",
  lostStream: "The connection broke off; trying again …",
  badAnswer: (status) => `The server answered with ${status}, and no reason.`,
};
