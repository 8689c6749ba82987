/** What a webview's page may do: run the one script that carries the nonce, take styles from the extension's own files. */
export function contentSecurityPolicy(nonce: string, ownFiles: string): string {
  return `default-src 'none'; script-src 'nonce-${nonce}'; style-src ${ownFiles}; img-src ${ownFiles} data:; font-src ${ownFiles};`;
}

/** The page of a webview: an empty root that its script fills. Nothing in it is data. */
export function webviewHtml(page: {
  language: string;
  title: string;
  nonce: string;
  ownFiles: string;
  script: string;
  style: string;
}): string {
  return `<!doctype html>
<html lang="${escapeAttribute(page.language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escapeAttribute(contentSecurityPolicy(page.nonce, page.ownFiles))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeAttribute(page.title)}</title>
<link rel="stylesheet" href="${escapeAttribute(page.style)}">
</head>
<body>
<div id="root"></div>
<script nonce="${escapeAttribute(page.nonce)}" src="${escapeAttribute(page.script)}"></script>
</body>
</html>`;
}

function escapeAttribute(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign] ?? sign);
}
