#include "engine/core/definition_right.h"

#include <algorithm>
#include <cstdint>
#include <span>

#include "engine/core/act.h"

namespace engine {
namespace {

// Null where there is none.
const Credential* Find(const Registry& registry, CredentialId id) {
  const std::uint32_t index = registry.FindCredential(id);
  return index == kNoIndex ? nullptr : &registry.credential(index);
}

bool IsOperator(const CredentialBody& credential) {
  return credential.kind == CredentialKind::kOperator;
}

bool GivesOrTakesRoles(const Registry& registry, const CredentialBody& wanted) {
  const Credential* now = Find(registry, wanted.id);
  return wanted.roles != kNoRoles || (now != nullptr && now->definition.roles != kNoRoles);
}

bool GivesSurveillance(const Registry& registry, const CredentialBody& wanted) {
  if (!Has(wanted, Role::kSurveillance)) return false;
  const Credential* now = Find(registry, wanted.id);
  return now == nullptr || !Has(now->definition, Role::kSurveillance) ||
         now->definition.token_hash != wanted.token_hash;
}
bool GivesSurveillance(const Registry& registry, const CertificateBody& wanted) {
  const Credential* now = Find(registry, wanted.credential);
  return now != nullptr && Has(now->definition, Role::kSurveillance) &&
         wanted.hash != CertificateHash{};
}

bool GivesOrders(const Registry& registry, const CredentialBody& wanted) {
  const Credential* now = Find(registry, wanted.id);
  if (now == nullptr || !IsOperator(wanted) || IsOperator(now->definition)) return false;
  return std::ranges::any_of(now->accounts, [&registry](std::uint32_t account) {
    return registry.account(account).open_orders != 0;
  });
}
bool GivesOrders(const Registry& registry, const AccountBody& wanted) {
  const std::uint32_t index = registry.FindAccount(wanted.id);
  if (index == kNoIndex || registry.account(index).open_orders == 0) return false;
  if (registry.account(index).definition.credential == wanted.credential) return false;
  const Credential* owner = Find(registry, wanted.credential);
  return owner != nullptr && IsOperator(owner->definition);
}

// Whether any of the act's definitions shows sealed orders to one who does not see them now.
bool Unseals(const Registry& registry, const DefinitionView& what, const CredentialBody& who) {
  const auto gives_orders = [&registry](const auto& body) { return GivesOrders(registry, body); };
  const auto gives_role = [&](const auto& body) {
    return !Has(who, Role::kSurveillance) && GivesSurveillance(registry, body);
  };
  switch (what.type()) {
    case CommandType::kDefineCredential:
      return std::ranges::any_of(what.Items<CredentialBody>(), gives_orders) ||
             std::ranges::any_of(what.Items<CredentialBody>(), gives_role);
    case CommandType::kDefineCertificate:
      return std::ranges::any_of(what.Items<CertificateBody>(), gives_role);
    case CommandType::kDefineAccount:
      return std::ranges::any_of(what.Items<AccountBody>(), gives_orders);
    default:
      return false;
  }
}

}  // namespace

bool MayDefine(const Registry& registry, CommandView command) {
  const DefinitionView what(command);
  if (what.act() == nullptr) {
    const auto* credential =
        what.type() == CommandType::kDefineCredential ? command.Single<CredentialBody>() : nullptr;
    return command.header().count == 1 &&
           (credential == nullptr || !GivesOrTakesRoles(registry, *credential));
  }
  if (!IsWellFormedAct(command)) return false;
  if (what.act()->who == CredentialId{}) return true;
  const Credential* who = Find(registry, what.act()->who);
  return who != nullptr && Has(who->definition, Role::kAdminister) &&
         !Unseals(registry, what, who->definition);
}

}  // namespace engine
