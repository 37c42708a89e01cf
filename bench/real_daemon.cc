#include "bench/real_daemon.h"

#include <cstdlib>
#include <fstream>
#include <system_error>
#include <vector>

#include <unistd.h>

#include "engine/core/check.h"

namespace bench {

RealDaemon::RealDaemon(const DaemonFiles& files)
    : folder_(std::filesystem::current_path() / ("bench." + std::to_string(::getpid()))) {
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directory(folder_);
  std::ofstream(Path("markets.toml")) << files.markets;
  std::ofstream(Path("accounts.csv"))
      << "account,party,metering_point,market,credential,import_limit_w,export_limit_w\n"
      << files.accounts;
  std::ofstream(Path("credentials.csv")) << "credential,kind,token_sha256,orders_per_second\n"
                                         << files.credentials;
  std::ofstream config(Path("peerwattd.toml"));
  config << "[listen]\nport = 0\n";
  std::string init_options = files.init_options;
  if (!files.tls.certificate.empty()) {
    config << "[tls]\ncertificate = \"" << files.tls.certificate << "\"\nkey = \"" << files.tls.key
           << "\"\nauthorities = \"" << files.tls.authorities << "\"\n";
    std::ofstream(Path("certificates.csv")) << "credential,certificate_sha256\n"
                                            << files.certificates;
    init_options += " --certificates " + Path("certificates.csv");
  }
  config.close();
  const std::string daemon = ProgramBeside("peerwattd");
  const std::string init = daemon + " init --data " + Path("data") + " --markets " +
                           Path("markets.toml") + " --accounts " + Path("accounts.csv") +
                           " --credentials " + Path("credentials.csv") + " " + init_options +
                           " >/dev/null";
  CHECK(std::system(init.c_str()) == 0);
  process_ = std::make_unique<ServerProcess>(std::vector<std::string>{
      daemon, "run", "--data", Path("data"), "--config", Path("peerwattd.toml")});
}

RealDaemon::~RealDaemon() {
  process_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace bench
