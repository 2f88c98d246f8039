/** Bound to the prefix `xml` without a declaration (Namespaces in XML 1.0 section 3). */
export const XML = 'http://www.w3.org/XML/1998/namespace'
/** The name of the declarations themselves; nobody may bind it. */
export const XMLNS = 'http://www.w3.org/2000/xmlns/'
