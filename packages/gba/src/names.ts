/** What 3GPP's own domains end in (TS 23.003 clause 13.2). */
const OPERATORS_DOMAIN = '.3gppnetwork.org'
const PUBLIC_OPERATORS_DOMAIN = '.pub.3gppnetwork.org'

/**
 * The name of the BSF of a private identity: `bsf.` and its domain, in 3GPP's own domain tree the public one.
 *
 * @see TS 23.003 clause 16.2
 */
export function bsfNameOf(impi: string): string {
  return `bsf.${publicDomainOf(impi.slice(impi.lastIndexOf('@') + 1))}`
}

/**
 * The XCAP root of a home network domain.
 *
 * @see TS 23.003 clause 13.9
 */
export function xcapRootOf(domain: string): string {
  return `https://xcap.${publicDomainOf(domain)}/`
}

function publicDomainOf(domain: string): string {
  const name = domain.toLowerCase()
  if (!name.endsWith(OPERATORS_DOMAIN) || name.endsWith(PUBLIC_OPERATORS_DOMAIN)) return name
  return name.slice(0, -OPERATORS_DOMAIN.length) + PUBLIC_OPERATORS_DOMAIN
}
