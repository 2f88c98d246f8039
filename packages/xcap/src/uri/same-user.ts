/** Whether two URIs name one user: scheme and host are alike in any case, the user is not (RFC 3261 section 19.1.4). */
export function namesSameUser(one: string, other: string): boolean {
  return comparable(one) === comparable(other)
}

function comparable(uri: string): string {
  const colon = uri.indexOf(':')
  const at = Math.max(uri.lastIndexOf('@'), colon) + 1
  return uri.slice(0, colon).toLowerCase() + uri.slice(colon, at) + uri.slice(at).toLowerCase()
}
