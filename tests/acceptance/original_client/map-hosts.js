// Preloaded with `node -r`: the public hosts that the original client insists on are these loopback servers.
// HOSTS is a JSON object, host name to origin. Any other https host is an error: the test leaves the machine alone.
const https = require('https')
const http = require('http')

const origins = JSON.parse(process.env.HOSTS)

https.request = (options, callback) => {
  const origin = origins[options.hostname]
  if (!origin) throw new Error(`unexpected public host ${options.hostname}`)
  const {hostname, port} = new URL(origin)
  const {method, path, headers} = options
  return http.request({method, path, headers, hostname, port}, callback)
}
