// Certified OpenID providers (npm: oidc-provider) on loopback: two issuers, any client that registers, any name that
// is typed into the log-in form. Prints one line of JSON with the issuers when they listen, ends with its input.
import { once } from 'node:events'
import { createServer } from 'node:http'
import Provider from 'oidc-provider'

const claims = { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email', 'email_verified'] }

// `ada@trusted.example` is Ada with an address that is verified, `ada` has one that is not.
const findAccount = (_context, id) => ({
  accountId: id,
  claims: () => ({
    sub: id,
    name: `Somebody called ${id}`,
    preferred_username: id,
    email: id.includes('@') ? id : `${id}@example.com`,
    email_verified: id.includes('@')
  })
})

const page = (uid, text) => `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>${text}</title><h1>${text}</h1>
<form method="post" action="/interaction/${uid}"><label>Login <input name="login" autofocus></label>
<button name="act" value="in">Sign in</button><button name="act" value="no">Cancel</button></form></html>`

async function form(request) {
  let body = ''
  for await (const chunk of request) body += chunk
  return new URLSearchParams(body)
}

async function interaction(provider, request, response) {
  const details = await provider.interactionDetails(request, response)
  if (request.method === 'GET') {
    response.setHeader('Content-Type', 'text/html; charset=utf-8')
    response.end(page(details.uid, `Provider: ${details.prompt.name}`))
    return
  }
  const fields = await form(request)
  const result = fields.get('act') === 'no'
    ? { error: 'access_denied', error_description: 'cancelled' }
    : { login: { accountId: fields.get('login') } }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
}

async function start(port) {
  const server = createServer()
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${server.address().port}`
  const provider = new Provider(issuer, {
    claims,
    findAccount,
    features: { devInteractions: { enabled: false }, registration: { enabled: true } },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    pkce: { required: () => true },
    // Browsers tell hosts apart, not ports: each issuer has names of its own.
    cookies: {
      keys: ['only for tests'],
      names: { session: `session_${server.address().port}`, interaction: `at_${server.address().port}`, resume: `back_${server.address().port}` }
    },
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
    // Whoever logs in agrees: consent is not what is tested here.
    async loadExistingGrant(context) {
      const grant = new context.oidc.provider.Grant({
        clientId: context.oidc.client.clientId, accountId: context.oidc.session.accountId
      })
      grant.addOIDCScope('openid profile email')
      await grant.save()
      return grant
    }
  })
  const answer = provider.callback()
  server.on('request', (request, response) => {
    if (!request.url.startsWith('/interaction/')) return answer(request, response)
    interaction(provider, request, response).catch((error) => { response.statusCode = 500; response.end(String(error)) })
  })
  return issuer
}

console.log(JSON.stringify([await start(0), await start(0)]))
process.stdin.on('end', () => process.exit(0)).resume()
