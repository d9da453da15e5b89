server "127.0.0.1", user: "admin", port: ENV.fetch("PORT"), roles: %w[app], ssh_options: {
  keys: [ENV.fetch("LOGIN")], keys_only: true,
  user_known_hosts_file: ENV.fetch("KNOWN_HOSTS"), verify_host_key: :always
}
