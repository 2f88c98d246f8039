/**
 * Whether the `uri` of credentials names what was asked for: the very target, or an absolute URI of this host with it.
 * Nothing is decoded: proxies that rewrite a target break its proof, and should.
 *
 * @see RFC 7616 section 3.4.6
 */
export function namesTarget(uri: string, target: string, fqdn: string): boolean {
  if (uri === target) return true
  const absolute = /^https?:\/\/([^/?#@]*)(\/.*)?$/i.exec(uri)
  if (absolute === null) return false
  const host = (absolute[1] ?? '').toLowerCase().replace(/:\d+$/, '')
  return host === fqdn && (absolute[2] ?? '/') === target
}
